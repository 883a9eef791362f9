// SPDX-License-Identifier: Apache-2.0
// Inputs of bnn_padded_xnor_sums: bnn_parity_encoder for each part of a beat by itself.
//
// In a part of an odd number of inputs, parities stand at the first place and every second one from there.

`default_nettype none

module bnn_padded_parities #(
  // Inputs per beat; at least 1.
  parameter int unsigned Lanes = 4,
  // Parts of a beat; a divisor of Lanes.
  parameter int unsigned Parts = 1,
  // 1: with lookup tables of six inputs and two outputs, those of Xilinx devices; else 0.
  parameter int unsigned Cells = 1,
  // Cycles from inputs to their parities; see bnn_parity_encoder.
  parameter int unsigned Stages = 0
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Lanes-1:0] inputs_i,
  output wire [Lanes-1:0] inputs_o
);

  if (Parts < 1 || Lanes % Parts != 0) begin : gen_check
    $error("bnn_padded_parities: Parts must divide Lanes");
  end

  localparam int unsigned Part = Lanes / Parts;
  // With a 0 in front, an odd part is an even one.
  localparam int unsigned Odd = Part % 2;
  for (genvar f = 0; f < Parts; f = f + 1) begin : gen_part
    wire [Part+Odd-1:0] encoded;
    bnn_parity_encoder #(
      .Lanes(Part + Odd),
      .Cells(Cells),
      .Stages(Stages)
    ) encoder (
      .clk_i,
      .rst_ni,
      .taken_i (1'b1),
      .last_i  (1'b1),
      .inputs_i((Part + Odd)'({inputs_i[f*Part+:Part], 1'b0} >> (1 - Odd))),
      .inputs_o(encoded)
    );
    assign inputs_o[f*Part+:Part] = encoded[Odd+:Part];
    wire unused_first = &{1'b0, encoded};
  end

endmodule

`default_nettype wire
