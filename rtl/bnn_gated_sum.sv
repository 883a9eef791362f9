// SPDX-License-Identifier: Apache-2.0
// One number, or the sum of two, each with a gate: all bits of a number are ANDed with its gate, or compared with it.
//
// Products of a bit and a number, and the first level of the adders that sum them. On a Xilinx device a position of the sum of
// two is one lookup table on a carry chain, gates included; of one number, a table has two positions.

`default_nettype none

module bnn_gated_sum #(
  // Bits of a number; at least 1.
  parameter int unsigned     Bits      = 4,
  // 1 or 2.
  parameter int unsigned     Numbers   = 2,
  // 0: a bit is 1 where it and the gate are 1; 1: where they are equal.
  parameter int unsigned     Compare   = 0,
  // Bits that are inverted then.
  parameter logic [Bits-1:0] Inverted  = '0,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
  parameter int unsigned     CarryCell = 4
) (
  input  wire [Numbers*Bits-1:0] numbers_i,
  input  wire [Numbers-1:0]      gates_i,
  // The highest bit of one number is 0.
  output wire [Bits:0]           sum_o
);

  if (Bits < 1 || Numbers < 1 || Numbers > 2 || Compare > 1) begin : gen_check
    $error("bnn_gated_sum: Bits must be at least 1, Numbers 1 or 2, Compare 0 or 1");
  end

  wire [Numbers*Bits-1:0] gated;
  if (CarryCell != 0 && Numbers == 2) begin : gen_chain
    wire [Bits-1:0] propagate;
    for (genvar b = 0; b < Bits; b = b + 1) begin : gen_position
      // Upper output: the sum bit of two gated bits; lower: the first of them, which is the carry where both are the same.
      bnn_lut6 #(
        .Table(Compare != 0 ? (Inverted[b] ? 64'h6996699666666666 : 64'h6996699699999999)
          : (Inverted[b] ? 64'h7888788877777777 : 64'h7888788888888888))
      ) lut (
        .inputs_i({2'b10, gates_i[1], numbers_i[Bits+b], gates_i[0], numbers_i[b]}),
        .o6_o    (propagate[b]),
        .o5_o    (gated[b])
      );
    end
    bnn_carry_chain #(
      .Width    (Bits),
      .CarryCell(CarryCell)
    ) chain (
      .carry_i    (1'b0),
      .propagate_i(propagate),
      .generate_i (gated[Bits-1:0]),
      .sum_o      (sum_o[Bits-1:0]),
      .carry_o    (sum_o[Bits])
    );
    assign gated[2*Bits-1:Bits] = '0;
    wire unused_gated = &{1'b0, gated};
  end else if (CarryCell != 0) begin : gen_tables
    wire [Bits:0] number = {1'b0, numbers_i};
    wire [Bits:0] bits;
    for (genvar b = 0; b < Bits; b = b + 2) begin : gen_two
      // The upper half of the table is of bit b + 1, the lower of bit b.
      localparam [31:0] Lower = (Compare != 0 ? 32'h99999999 : 32'h88888888) ^ {32{Inverted[b]}};
      localparam [31:0] Upper = (Compare != 0 ? 32'ha5a5a5a5 : 32'ha0a0a0a0) ^ {32{Inverted[b+1<Bits?b+1:b]}};
      bnn_lut6 #(
        .Table({Upper, Lower})
      ) lut (
        .inputs_i({3'b100, number[b+1], number[b], gates_i}),
        .o6_o    (bits[b+1]),
        .o5_o    (bits[b])
      );
    end
    if (Bits % 2 == 0) begin : gen_top
      assign bits[Bits] = 1'b0;
    end
    assign gated = bits[Bits-1:0];
    assign sum_o = {1'b0, gated};
    wire unused_bits = &{1'b0, bits};
  end else begin : gen_logic
    for (genvar n = 0; n < Numbers; n = n + 1) begin : gen_number
      wire [Bits-1:0] gate = {Bits{gates_i[n]}};
      wire [Bits-1:0] number = numbers_i[n*Bits+:Bits];
      if (Compare != 0) begin : gen_compare
        assign gated[n*Bits+:Bits] = number ^ gate ^ ~Inverted;
      end else begin : gen_and
        assign gated[n*Bits+:Bits] = (number & gate) ^ Inverted;
      end
    end
    if (Numbers == 2) begin : gen_sum
      assign sum_o = {1'b0, gated[Bits-1:0]} + {1'b0, gated[Bits+:Bits]};
    end else begin : gen_one
      assign sum_o = {1'b0, gated};
    end
  end

endmodule

`default_nettype wire
