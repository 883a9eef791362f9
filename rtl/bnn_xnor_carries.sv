// SPDX-License-Identifier: Apache-2.0
// Full adders over equal bits, each of which passes its sum bit on to the next: their carries, each worth two equal bits.
//
// The sum bits are parities of equal bits, and such a parity is that of the inputs XOR that of the weights. So with parities on
// both sides, a carry is a function of six bits: one lookup table, and the sum bits need none. Of tables with four inputs, a sum
// bit takes one, and a carry another: it is the sum bit before or that behind, by the parity between them.

`default_nettype none

module bnn_xnor_carries #(
  // Equal bits behind the one that enters the chain; at least 1.
  parameter int unsigned Inputs    = 4,
  // 1: weights_i is a constant, and logic synthesis shares carries of several chains; else 0.
  parameter int unsigned Fixed     = 0,
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
  parameter int unsigned CarryCell = 4
) (
  // Bit 0 is that of the bit that enters. Above it stand the inputs, and at even places and the last one the parity of all so
  // far, that of bit 0 included.
  input  wire [Inputs:0]           inputs_i,
  // The parity of all -1 so far among the weights, at each place.
  input  wire [Inputs:0]           weights_i,
  // Those of two equal bits and the sum bit before them; with an odd last one, of that and the sum bit.
  output wire [(Inputs+1)/2-1:0] carries_o
);

  if (Inputs < 1) begin : gen_check
    $error("bnn_xnor_carries: Inputs must be at least 1");
  end

  localparam int unsigned Carries = (Inputs + 1) / 2;
  localparam OfFour = CarryCell != 0 && CarryCell < 4 && Fixed == 0;

  // The sum bits, where a table has too few inputs to make them: that which enters, and that behind each carry.
  wire [Carries:0] sums;
  for (genvar k = 0; k <= Carries; k = k + 1) begin : gen_sum
    localparam int unsigned Place = 2 * k < Inputs ? 2 * k : Inputs;
    if (OfFour) begin : gen_table
      bnn_lut4 #(
        .Table(16'h6666),
        .CarryCell(CarryCell)
      ) lut (
        .inputs_i({2'b00, weights_i[Place], inputs_i[Place]}),
        .output_o(sums[k])
      );
    end else begin : gen_logic
      assign sums[k] = inputs_i[Place] ^ weights_i[Place];
    end
  end

  for (genvar k = 0; k < Carries; k = k + 1) begin : gen_carry
    if (2 * k + 1 == Inputs) begin : gen_one
      assign carries_o[k] = sums[k] & ~sums[k+1];
    end else if (CarryCell >= 4 && Fixed == 0) begin : gen_table
      wire unused_half;
      bnn_lut6 #(
        .Table(64'he77e42244224e77e)
      ) lut (
        .inputs_i({weights_i[2*k+2], inputs_i[2*k+2], weights_i[2*k+1], inputs_i[2*k+1], weights_i[2*k], inputs_i[2*k]}),
        .o6_o    (carries_o[k]),
        .o5_o    (unused_half)
      );
    end else if (OfFour) begin : gen_table_of_four
      // The parity of the inputs up to the first of the two, which all chains with these inputs share.
      wire parity = inputs_i[2*k+1] ^ inputs_i[2*k];
      bnn_lut4 #(
        .Table(16'ha33a),
        .CarryCell(CarryCell)
      ) lut (
        .inputs_i({weights_i[2*k+1], parity, sums[k+1], sums[k]}),
        .output_o(carries_o[k])
      );
    end else begin : gen_two
      wire equal = inputs_i[2*k+1] ^ weights_i[2*k+1] ^ weights_i[2*k];
      assign carries_o[k] = sums[k] == equal ? equal : ~sums[k+1];
    end
  end

  wire unused_sums = &{1'b0, sums};

endmodule

`default_nettype wire
