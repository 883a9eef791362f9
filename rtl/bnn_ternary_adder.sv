// SPDX-License-Identifier: Apache-2.0
// The sum of two or three numbers and two carries, combinational; the first number is the OR of two, one of which is 0.
//
// On a Xilinx device, a position is one lookup table: one of its outputs is the sum bit of three, the other their carry, which
// enters the next table and the carry chain. The OR costs nothing there: with it, an accumulator that is 0 when a sum
// begins adds its initial value, which is 0 at all other times. On a device with tables of four inputs, two tables make the sum
// bit and the carry, of four bits with the OR, and a position of the carry chain adds those.

`default_nettype none

module bnn_ternary_adder #(
  // Bits of the numbers; at least 1.
  parameter int unsigned Width       = 4,
  // 3, or 2 where c_i is 0.
  parameter int unsigned Numbers     = 3,
  // Bits of b_i and c_i that may be other than 0; 1 to Width.
  parameter int unsigned Added       = Width,
  // 1: carries_i[0] is used; else 0.
  parameter int unsigned FirstCarry  = 1,
  // 1: carries_i[1] is used, for one more lookup table; else 0. With 2 numbers 0.
  parameter int unsigned SecondCarry = 0,
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
  parameter int unsigned CarryCell      = 4
) (
  input  wire [Width-1:0] a_i,
  input  wire [Width-1:0] initial_i,
  input  wire [Width-1:0] b_i,
  input  wire [Width-1:0] c_i,
  input  wire [1:0]       carries_i,
  // The highest bit is exact unless two of three numbers have theirs, the others are in any case.
  output wire [Width:0]   sum_o
);

  if (Width < 1) begin : gen_check_width
    $error("bnn_ternary_adder: Width must be at least 1");
  end
  if (Added < 1 || Added > Width) begin : gen_check_added
    $error("bnn_ternary_adder: Added must be 1 to Width");
  end
  if (Numbers < 2 || Numbers > 3 || SecondCarry > Numbers - 2) begin : gen_check_numbers
    $error("bnn_ternary_adder: Numbers must be 2 or 3, SecondCarry 0 or, with 3 numbers, 1");
  end

  localparam HasSecond = SecondCarry != 0;
  if (CarryCell >= 4) begin : gen_cells
    wire [Width-1:0] propagate;
    wire [Width-1:0] generated;
    // Carries of the three numbers, each from the position below.
    wire [Width:0]   between;
    assign between[0] = HasSecond & carries_i[1];
    for (genvar i = 0; i < Width; i = i + 1) begin : gen_position
      wire other;
      // Upper output: the sum bit of a | initial, b, c and the carry from below. Lower output: the carry of a | initial, b and
      // c; at the position that a second carry enters, that carry, which only its own table can bring into the chain. With two
      // numbers: their sum bit, and the first of them.
      bnn_lut6 #(
        .Table(Numbers == 2 ? 64'h1e1e1e1eeeeeeeee : i == 0 && HasSecond ? 64'h1ee1e11effff0000 : 64'h1ee1e11efee0fee0)
      ) lut (
        .inputs_i({1'b1, between[i], c_i[i], b_i[i], initial_i[i], a_i[i]}),
        .o6_o    (propagate[i]),
        .o5_o    (other)
      );
      if (i == 0 && HasSecond) begin : gen_second
        wire a = a_i[0] | initial_i[0];
        assign generated[0] = other;
        assign between[1] = (a & b_i[0]) | (a & c_i[0]) | (b_i[0] & c_i[0]);
      end else if (Numbers == 2) begin : gen_of_two
        assign generated[i] = other;
        assign between[i+1] = 1'b0;
      end else begin : gen_of_three
        assign generated[i] = between[i];
        assign between[i+1] = other;
      end
    end
    bnn_carry_chain #(
      .Width (Width),
      .CarryCell(CarryCell)
    ) chain (
      .carry_i    (carries_i[0]),
      .propagate_i(propagate),
      .generate_i (generated),
      .sum_o      (sum_o[Width-1:0]),
      .carry_o    (sum_o[Width])
    );
    wire unused_carries = &{1'b0, carries_i[1], between[Width]};
  end else if (CarryCell != 0 && Numbers == 2) begin : gen_chain
    bnn_chain_adder #(
      .Width(Width),
      .Carry(FirstCarry),
      .CarryCell(CarryCell)
    ) adder (
      .a_i,
      .or_i   (initial_i),
      .b_i,
      .carry_i(carries_i[0]),
      .sum_o
    );
    wire unused = &{1'b0, c_i, carries_i[1]};
  end else if (CarryCell != 0) begin : gen_adders
    // What is left of the first number, the sum bits in its place, and the carries.
    wire [Width-1:0] first;
    wire [Width-1:0] second;
    wire [Width:0]   carries;
    assign carries[0] = HasSecond & carries_i[1];
    for (genvar i = 0; i < Width; i = i + 1) begin : gen_position
      if (i < Added) begin : gen_adder
        bnn_lut4 #(
          .Table(16'he11e),
          .CarryCell(CarryCell)
        ) sum (
          .inputs_i({c_i[i], b_i[i], initial_i[i], a_i[i]}),
          .output_o(first[i])
        );
        bnn_lut4 #(
          .Table(16'hfee0),
          .CarryCell(CarryCell)
        ) majority (
          .inputs_i({c_i[i], b_i[i], initial_i[i], a_i[i]}),
          .output_o(carries[i+1])
        );
        assign second[i] = 1'b0;
      end else begin : gen_kept
        assign first[i] = a_i[i];
        assign second[i] = initial_i[i];
        assign carries[i+1] = 1'b0;
      end
    end
    bnn_chain_adder #(
      .Width(Width),
      .Carry(FirstCarry),
      .CarryCell(CarryCell)
    ) adder (
      .a_i    (first),
      .or_i   (second),
      .b_i    (carries[Width-1:0]),
      .carry_i(carries_i[0]),
      .sum_o
    );
    wire unused = &{1'b0, carries_i[1], carries[Width], b_i, c_i};
  end else begin : gen_sum
    wire second = HasSecond & carries_i[1];
    assign sum_o = (Width + 1)'(a_i | initial_i) + (Width + 1)'(b_i) + (Width + 1)'(carries_i[0]) + ((Width + 1)'(c_i) + (Width + 1)'(second));
  end

endmodule

`default_nettype wire
