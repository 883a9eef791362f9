// SPDX-License-Identifier: Apache-2.0
// Full adders that leave a few of many bits of one weight, and for each two that they take away a carry of twice the weight.

`default_nettype none

module bnn_full_adders #(
  // Bits that enter; at least 1.
  parameter int unsigned Inputs    = 9,
  // The most that leave with their weight; at least 2.
  parameter int unsigned Kept      = 3,
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
  parameter int unsigned CarryCell = 4,
  // Derived.
  parameter int unsigned Adders    = Inputs > Kept ? (Inputs - Kept + 1) / 2 : 0
) (
  input  wire [Inputs-1:0]                   bits_i,
  output wire [Inputs-2*Adders-1:0]          kept_o,
  output wire [(Adders>0 ? Adders : 1)-1:0] carries_o
);

  if (Inputs < 1 || Kept < 2) begin : gen_check
    $error("bnn_full_adders: Inputs must be at least 1, Kept at least 2");
  end

  if (Adders == 0) begin : gen_none
    assign kept_o = bits_i;
    assign carries_o = 1'b0;
  end else begin : gen_layer
    // Adders side by side; their sum bits, and what they have no place for, enter those behind.
    localparam int unsigned First = Adders < Inputs / 3 ? Adders : Inputs / 3;
    localparam int unsigned Left = Inputs - 2 * First;
    wire [Left-1:0] left;
    for (genvar i = 0; i < First; i = i + 1) begin : gen_adder
      bnn_counter #(
        .Inputs(3),
        .CarryCell(CarryCell)
      ) adder (
        .clk_i  (1'b0),
        .bits_i (bits_i[3*i+:3]),
        .count_o({carries_o[i], left[i]})
      );
    end
    if (Left > First) begin : gen_over
      assign left[Left-1:First] = bits_i[Inputs-1:3*First];
    end
    if (Adders > First) begin : gen_behind
      bnn_full_adders #(
        .Inputs(Left),
        .Kept(Kept),
        .CarryCell(CarryCell)
      ) behind (
        .bits_i   (left),
        .kept_o,
        .carries_o(carries_o[Adders-1:First])
      );
    end else begin : gen_last
      assign kept_o = left;
    end
  end

endmodule

`default_nettype wire
