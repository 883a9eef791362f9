// SPDX-License-Identifier: Apache-2.0
// A small number plus 1, for counters.
//
// Synthesis would make a carry chain of it. On one, each bit takes a LUT that only passes the bit on, and what follows, like
// the way back to 0, takes another. Up to 6 bits, a LUT of 6 inputs does both.

`default_nettype none

module bnn_increment #(
  // Bits of the number; at least 1.
  parameter int unsigned Width     = 4,
  // Inputs of the family's LUTs: 6 or 4.
  parameter int unsigned LutInputs = 6
) (
  input  wire [Width-1:0] value_i,
  output wire [Width-1:0] next_o
);

  if (Width < 1) begin : gen_check_width
    $error("bnn_increment: Width must be at least 1");
  end

  if (LutInputs != 6 && LutInputs != 4) begin : gen_check_luts
    $error("bnn_increment: LutInputs must be 6 or 4");
  end

`ifdef SYNTHESIS
  if (LutInputs == 6 && Width <= 6) begin : gen_tables
    assign next_o[0] = ~value_i[0];
    for (genvar b = 1; b < Width; b = b + 1) begin : gen_bit
      assign next_o[b] = value_i[b] ^ (&value_i[b-1:0]);
    end
  end else begin : gen_sum
    assign next_o = value_i + 1'b1;
  end
`else
  assign next_o = value_i + 1'b1;
`endif

endmodule

`default_nettype wire
