// SPDX-License-Identifier: Apache-2.0
// Adds up numbers until one is left, or two for an adder of three behind it: a tree with registers between its levels.
//
// On a Xilinx device an adder of three takes as many lookup tables as one of two, so it takes a number away for half as many:
// adders of two are used only where they save a level. Elsewhere all adders have two operands.

`default_nettype none

module bnn_sum_tree #(
  // Numbers; 1 to 39366.
  parameter int unsigned Numbers   = 2,
  // Bits of each of them; at least 1.
  parameter int unsigned Bits      = 3,
  // The largest of them, and the largest sum of all; less than 2 ** 30.
  parameter int unsigned Largest   = 6,
  parameter int unsigned Total     = 12,
  // Bits of what is left; at least 1, and enough for the largest sum.
  parameter int unsigned SumBits   = 4,
  // The number of the level at which the numbers enter; registers follow levels as even as can be: Stages among Levels.
  parameter int unsigned Level     = 1,
  parameter int unsigned Stages    = 1,
  parameter int unsigned Levels    = 3,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
  parameter int unsigned CarryCell = 4
) (
  input  wire                    clk_i,
  input  wire [Numbers*Bits-1:0] numbers_i,
  // The second is 0 where one number is left.
  output wire [2*SumBits-1:0]    sums_o
);

  if (Numbers < 1 || Bits < 1 || SumBits < 1 || Stages > Levels) begin : gen_check_sizes
    $error("bnn_sum_tree: Numbers, Bits and SumBits must be at least 1, Stages at most Levels");
  end

  localparam int unsigned Goal = CarryCell != 0 ? 2 : 1;
  if (Numbers <= Goal) begin : gen_end
    for (genvar n = 0; n < 2; n = n + 1) begin : gen_sum
      if (n < Numbers) begin : gen_number
        assign sums_o[n*SumBits+:SumBits] = SumBits'(numbers_i[n*Bits+:Bits]);
      end else begin : gen_none
        assign sums_o[n*SumBits+:SumBits] = '0;
      end
    end
    wire unused = clk_i;
  end else begin : gen_level
    // The most numbers behind this level from which the levels that are left come down to two.
    localparam int unsigned Most = Numbers <= 6 ? 2 : Numbers <= 18 ? 6 : Numbers <= 54 ? 18 : Numbers <= 162 ? 54
      : Numbers <= 486 ? 162 : Numbers <= 1458 ? 486 : Numbers <= 4374 ? 1458 : Numbers <= 13122 ? 4374 : 13122;
    localparam int unsigned Threes = CarryCell != 0 ? Numbers / 3 : 0;
    localparam int unsigned Rest = Numbers - 3 * Threes;
    localparam int unsigned Twos = CarryCell == 0 ? Rest / 2 : Rest == 2 && Threes + 2 > Most ? 1 : 0;
    localparam int unsigned Left = Threes + Rest - Twos;
    localparam int unsigned Times = CarryCell != 0 ? 3 : 2;
    localparam int unsigned NextLargest = Largest < Total / Times ? Times * Largest : Total;
    localparam int unsigned NextBits = $clog2(NextLargest + 1);
    // Positions of an adder of three, whose highest carry is exact if all three numbers lie below it.
    localparam int unsigned OfThree = NextBits <= Bits + 1 ? NextBits : NextBits - 1;

    wire [Left*NextBits-1:0] next;
    for (genvar n = 0; n < Left; n = n + 1) begin : gen_number
      localparam int unsigned Terms = n < Threes ? 3 : n < Threes + Twos ? 2 : 1;
      localparam int unsigned First = n < Threes ? 3 * n : n < Threes + Twos ? Threes + 2 * n : 2 * Threes + Twos + n;
      if (Terms == 1) begin : gen_one
        assign next[n*NextBits+:NextBits] = NextBits'(numbers_i[First*Bits+:Bits]);
      end else begin : gen_adder
        localparam int unsigned Width = Terms == 3 || NextBits < Bits ? OfThree : Bits;
        wire [Width-1:0] third;
        if (Terms == 3) begin : gen_third
          assign third = Width'(numbers_i[(First+2)*Bits+:Bits]);
        end else begin : gen_no_third
          assign third = '0;
        end
        wire [Width:0] sum;
        bnn_ternary_adder #(
          .Width    (Width),
          .Numbers  (Terms),
          .CarryCell(CarryCell)
        ) adder (
          .a_i      (Width'(numbers_i[First*Bits+:Bits])),
          .initial_i('0),
          .b_i      (Width'(numbers_i[(First+1)*Bits+:Bits])),
          .c_i      (third),
          .carries_i(2'b00),
          .sum_o    (sum)
        );
        assign next[n*NextBits+:NextBits] = NextBits'(sum);
        wire unused_sum = &{1'b0, sum};
      end
    end

    wire [Left*NextBits-1:0] held;
    if ((Level + 1) * Stages / Levels > Level * Stages / Levels) begin : gen_register
      reg [Left*NextBits-1:0] stored;
      always @(posedge clk_i) stored <= next;
      assign held = stored;
    end else begin : gen_wire
      assign held = next;
    end
    bnn_sum_tree #(
      .Numbers  (Left),
      .Bits     (NextBits),
      .Largest  (NextLargest),
      .Total    (Total),
      .SumBits  (SumBits),
      .Level    (Level + 1),
      .Stages   (Stages),
      .Levels   (Levels),
      .CarryCell(CarryCell)
    ) behind (
      .clk_i,
      .numbers_i(held),
      .sums_o
    );
  end

endmodule

`default_nettype wire
