// SPDX-License-Identifier: Apache-2.0
// The steps of the passes over a vector, and the number of each among those of all passes.

`default_nettype none

module bnn_steps #(
  // Passes over a vector; at least 1.
  parameter int unsigned Passes      = 2,
  // Steps of a pass; at least 1.
  parameter int unsigned Steps       = 2,
  // Bits of the number of a pass, of a step, and of a step among those of all passes; at least 1 each.
  parameter int unsigned PassBits    = Passes > 1 ? $clog2(Passes) : 1,
  parameter int unsigned StepBits    = Steps > 1 ? $clog2(Steps) : 1,
  parameter int unsigned AddressBits = Passes * Steps > 1 ? $clog2(Passes * Steps) : 1
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  // The present step is done.
  input  wire                   go_i,
  output wire [   PassBits-1:0] pass_o,
  output wire [   StepBits-1:0] step_o,
  output wire [AddressBits-1:0] address_o,
  output wire                   first_pass_o,
  output wire                   last_pass_o,
  output wire                   first_step_o,
  output wire                   last_step_o
);

  if (Passes < 1 || Steps < 1) begin : gen_check_counts
    $error("bnn_steps: Passes and Steps must be at least 1");
  end
  if (2 ** PassBits < Passes || 2 ** StepBits < Steps || 2 ** AddressBits < Passes * Steps) begin : gen_check_bits
    $error("bnn_steps: PassBits, StepBits and AddressBits must be enough for all numbers");
  end

  reg [PassBits-1:0] pass;
  reg [StepBits-1:0] step;

  assign pass_o = pass;
  assign step_o = step;
  assign first_pass_o = pass == '0;
  assign last_pass_o = pass == PassBits'(Passes - 1);
  assign first_step_o = step == '0;
  assign last_step_o = step == StepBits'(Steps - 1);

  always @(posedge clk_i) begin
    if (go_i) begin
      step <= last_step_o ? '0 : step + 1'b1;
      if (last_step_o) pass <= last_pass_o ? '0 : pass + 1'b1;
    end
    if (!rst_ni) begin
      pass <= '0;
      step <= '0;
    end
  end

  if (Passes == 1) begin : gen_address_step
    assign address_o = AddressBits'(step);
  end else if (Steps == 1) begin : gen_address_pass
    assign address_o = AddressBits'(pass);
  end else if (2 ** StepBits == Steps) begin : gen_address_both
    assign address_o = AddressBits'({pass, step});
  end else begin : gen_address
    reg [AddressBits-1:0] count;
    assign address_o = count;
    always @(posedge clk_i) begin
      if (go_i) count <= last_pass_o & last_step_o ? '0 : count + 1'b1;
      if (!rst_ni) count <= '0;
    end
  end

endmodule

`default_nettype wire
