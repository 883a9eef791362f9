// SPDX-License-Identifier: Apache-2.0
// Inputs of bnn_xnor_sums: at every second place of a beat, and at the last, the parity of all inputs of the vector so far.
//
// The parities are the same for all PEs and all passes, so they are made where a vector arrives. For a fast clock they are made
// where it is read, in a pipeline: a first stage finds what enters a group of inputs from those before it in the same beat, and
// a second one the parities, with what has come before the beat.

`default_nettype none

module bnn_parity_encoder #(
  // Inputs per beat; at least 1, and even where several beats make up a step.
  parameter int unsigned Lanes = 4,
  // 1: with lookup tables of six inputs and two outputs, those of Xilinx devices; else 0.
  parameter int unsigned Cells = 1,
  // Cycles from inputs to their parities: 0, 1, or 2 with a register in front as well.
  parameter int unsigned Stages = 0
) (
  input  wire            clk_i,
  input  wire            rst_ni,
  // The inputs are taken in this cycle, and are the last of a vector.
  input  wire            taken_i,
  input  wire            last_i,
  input  wire [Lanes-1:0] inputs_i,
  output wire [Lanes-1:0] inputs_o
);

  if (Lanes < 1 || Cells > 1 || Stages > 2) begin : gen_check
    $error("bnn_parity_encoder: Lanes must be at least 1, Cells 0 or 1, Stages (ParityStages of the unit around it) 0 to 2");
  end

  // Blocks of four inputs are chained in groups of four, or in a pipeline of two; what enters a group is looked ahead.
  localparam int unsigned Blocks = Stages == 0 ? 4 : 2;
  localparam int unsigned Group = 4 * Blocks;
  localparam int unsigned Groups = (Lanes + Group - 1) / Group;

  // The beat: its inputs, and whether it is taken, as the last of a vector.
  wire [Lanes+1:0] beat;
  if (Stages < 2) begin : gen_now
    assign beat = {taken_i, last_i, inputs_i};
  end else begin : gen_later
    reg [Lanes+1:0] stored;
    always @(posedge clk_i) stored <= {taken_i & rst_ni, last_i, inputs_i};
    assign beat = stored;
  end

  // The parity of each group.
  wire [Group*Groups-1:0] arrived = (Group * Groups)'(beat[Lanes-1:0]);
  wire [Groups-1:0]       group_parities;
  for (genvar g = 0; g < Groups; g = g + 1) begin : gen_group_parity
    assign group_parities[g] = ^arrived[Group*g+:Group];
  end

  // Those of a group and all before it, in the same beat or with all earlier ones.
  reg                     running;
  wire [Groups:0]         leading;
  wire [Group*Groups-1:0] inputs;
  wire                    taken;
  wire                    last;
  if (Stages == 0) begin : gen_at_once
    assign leading[0] = running;
    for (genvar g = 0; g < Groups; g = g + 1) begin : gen_leading
      assign leading[g+1] = ^{group_parities[g:0], running};
    end
    assign inputs = arrived;
    assign {taken, last} = beat[Lanes+:2];
  end else begin : gen_stored
    reg [Lanes+1:0]  stored;
    reg [Groups-1:0] stored_leading;
    for (genvar g = 0; g < Groups; g = g + 1) begin : gen_leading
      always @(posedge clk_i) stored_leading[g] <= ^group_parities[g:0];
    end
    always @(posedge clk_i) stored <= {beat[Lanes+1] & rst_ni, beat[Lanes:0]};
    assign leading = {stored_leading ^ {Groups{running}}, running};
    assign inputs = (Group * Groups)'(stored[Lanes-1:0]);
    assign {taken, last} = stored[Lanes+:2];
  end

  // All inputs up to a pair.
  wire [2*Blocks*Groups-1:0] parities;
  for (genvar g = 0; g < Groups; g = g + 1) begin : gen_group
    wire [Blocks:0] entering;
    assign entering[0] = leading[g];
    for (genvar b = 0; b < Blocks; b = b + 1) begin : gen_block
      if (Cells != 0) begin : gen_table
        bnn_lut6 #(
          .Table(64'h9669699696969696)
        ) lut (
          .inputs_i({1'b1, inputs[Group*g+4*b+:4], entering[b]}),
          .o6_o    (entering[b+1]),
          .o5_o    (parities[2*(Blocks*g+b)])
        );
      end else begin : gen_logic
        assign entering[b+1] = entering[b] ^ (^inputs[Group*g+4*b+:4]);
        assign parities[2*(Blocks*g+b)] = entering[b] ^ (^inputs[Group*g+4*b+:2]);
      end
      assign parities[2*(Blocks*g+b)+1] = entering[b+1];
    end
  end

  for (genvar i = 0; i < Lanes; i = i + 1) begin : gen_output
    if (i % 2 == 0 && i < Lanes - 1) begin : gen_plain
      assign inputs_o[i] = inputs[i];
    end else begin : gen_parity
      assign inputs_o[i] = parities[i/2];
    end
  end

  always @(posedge clk_i) begin
    if (taken) running <= ~last & leading[Groups];
    if (!rst_ni) running <= 1'b0;
  end

  wire unused = &{1'b0, parities};

endmodule

`default_nettype wire
