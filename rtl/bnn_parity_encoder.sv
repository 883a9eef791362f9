// SPDX-License-Identifier: Apache-2.0
// Inputs of bnn_xnor_sums: at every second place of a beat, and at the last, the parity of all inputs of the vector so far.
//
// The parities are the same for all PEs and all passes, so they are made where a vector arrives.

`default_nettype none

module bnn_parity_encoder #(
  // Inputs per beat; at least 1, and even where several beats make up a step.
  parameter int unsigned Lanes = 4,
  // 1: with lookup tables of six inputs and two outputs, those of Xilinx devices; else 0.
  parameter int unsigned Cells = 1
) (
  input  wire            clk_i,
  input  wire            rst_ni,
  // The inputs are taken in this cycle, and are the last of a vector.
  input  wire            taken_i,
  input  wire            last_i,
  input  wire [Lanes-1:0] inputs_i,
  output wire [Lanes-1:0] inputs_o
);

  if (Lanes < 1 || Cells > 1) begin : gen_check
    $error("bnn_parity_encoder: Lanes must be at least 1, Cells 0 or 1");
  end

  // Blocks of four inputs are chained in groups of four; what enters a group is looked ahead.
  localparam int unsigned Groups = (Lanes + 15) / 16;

  reg                  running;
  wire [16*Groups-1:0] inputs = (16 * Groups)'(inputs_i);
  // All inputs up to a pair.
  wire [8*Groups-1:0]  parities;
  wire [Groups:0]      group_parities;
  assign group_parities[0] = running;

  for (genvar g = 0; g < Groups; g = g + 1) begin : gen_group
    assign group_parities[g+1] = ^inputs[16*g+:16];
    wire [4:0] entering;
    assign entering[0] = ^group_parities[g:0];
    for (genvar b = 0; b < 4; b = b + 1) begin : gen_block
      if (Cells != 0) begin : gen_table
        bnn_lut6 #(
          .Table(64'h9669699696969696)
        ) lut (
          .inputs_i({1'b1, inputs[16*g+4*b+:4], entering[b]}),
          .o6_o    (entering[b+1]),
          .o5_o    (parities[8*g+2*b])
        );
      end else begin : gen_logic
        assign entering[b+1] = entering[b] ^ (^inputs[16*g+4*b+:4]);
        assign parities[8*g+2*b] = entering[b] ^ (^inputs[16*g+4*b+:2]);
      end
      assign parities[8*g+2*b+1] = entering[b+1];
    end
  end

  for (genvar i = 0; i < Lanes; i = i + 1) begin : gen_output
    if (i % 2 == 0 && i < Lanes - 1) begin : gen_plain
      assign inputs_o[i] = inputs_i[i];
    end else begin : gen_parity
      assign inputs_o[i] = parities[i/2];
    end
  end

  always @(posedge clk_i) begin
    if (taken_i) running <= ~last_i & inputs_o[Lanes-1];
    if (!rst_ni) running <= 1'b0;
  end

  wire unused = &{1'b0, parities, group_parities};

endmodule

`default_nettype wire
