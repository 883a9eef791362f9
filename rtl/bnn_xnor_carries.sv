// SPDX-License-Identifier: Apache-2.0
// Full adders over equal bits, each of which passes its sum bit on to the next: their carries, each worth two equal bits.
//
// The sum bits are parities of equal bits, and such a parity is that of the inputs XOR that of the weights. So with parities on
// both sides, a carry is a function of six bits: one lookup table, and the sum bits need none.

`default_nettype none

module bnn_xnor_carries #(
  // Equal bits behind the one that enters the chain; at least 1.
  parameter int unsigned Inputs    = 4,
  // 1: weights_i is a constant, and logic synthesis shares carries of several chains; else 0.
  parameter int unsigned Fixed     = 0,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
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

  for (genvar k = 0; k < (Inputs + 1) / 2; k = k + 1) begin : gen_carry
    wire entering = inputs_i[2*k] ^ weights_i[2*k];
    if (2 * k + 1 == Inputs) begin : gen_one
      assign carries_o[k] = entering & ~(inputs_i[Inputs] ^ weights_i[Inputs]);
    end else if (CarryCell != 0 && Fixed == 0) begin : gen_table
      wire unused_entering = entering;
      wire unused_half;
      bnn_lut6 #(
        .Table(64'he77e42244224e77e)
      ) lut (
        .inputs_i({weights_i[2*k+2], inputs_i[2*k+2], weights_i[2*k+1], inputs_i[2*k+1], weights_i[2*k], inputs_i[2*k]}),
        .o6_o    (carries_o[k]),
        .o5_o    (unused_half)
      );
    end else begin : gen_two
      wire equal = inputs_i[2*k+1] ^ weights_i[2*k+1] ^ weights_i[2*k];
      wire leaving = inputs_i[2*k+2] ^ weights_i[2*k+2];
      assign carries_o[k] = entering == equal ? equal : ~leaving;
    end
  end

endmodule

`default_nettype wire
