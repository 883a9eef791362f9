// SPDX-License-Identifier: Apache-2.0
// How many of its inputs are 1: a tree of counters of up to 7 inputs and ternary adders, with registers between its levels.
//
// A counter of 6 or 7 inputs is two lookup tables on a carry chain. The chain's first position adds the parity of six inputs
// to the seventh; its second adds half the sum of five, rounded down, which is what the six are worth there whatever the sixth
// is. An adder of three counts also takes one or two inputs as its carries. Sizes of 7, 22, 67, ... fill the tree; others
// leave its last branches smaller.

`default_nettype none

module bnn_counter #(
  // Inputs; 1 to 16402.
  parameter int unsigned Inputs = 7,
  // Level of the tree at which the count leaves it; at least Height.
  parameter int unsigned Level  = 1,
  // Registers on the way from the inputs to level Levels - 1, as even as it can be; 0 to Levels.
  parameter int unsigned Stages = 0,
  // Levels of the whole tree, with level 0 for what makes the inputs; more than Level.
  parameter int unsigned Levels = 2,
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
  parameter int unsigned CarryCell = 4
) (
  input  wire                          clk_i,
  input  wire [Inputs-1:0]             bits_i,
  output wire [$clog2(Inputs+1)-1:0]   count_o
);

  localparam int unsigned CountBits = $clog2(Inputs + 1);
  // Levels that the inputs need.
  localparam int unsigned Height = Inputs <= 1 ? 0 : Inputs <= 7 ? 1 : Inputs <= 23 ? 2 : Inputs <= 67 ? 3 : Inputs <= 202 ? 4
    : Inputs <= 607 ? 5 : Inputs <= 1822 ? 6 : Inputs <= 5467 ? 7 : 8;

  if (Inputs < 1 || Inputs > 16402) begin : gen_check_inputs
    $error("bnn_counter: Inputs must be 1 to 16402");
  end
  if (Level < Height || Levels <= Level || Stages > Levels) begin : gen_check_level
    $error("bnn_counter: Level must be at least the height of the tree and less than Levels, Stages at most Levels");
  end

  wire [CountBits-1:0] count;
  if (Level > Height) begin : gen_below
    bnn_counter #(
      .Inputs(Inputs),
      .Level(Level - 1),
      .Stages(Stages),
      .Levels(Levels),
      .CarryCell(CarryCell)
    ) below (
      .clk_i,
      .bits_i,
      .count_o(count)
    );
  end else if (Height == 0) begin : gen_input
    assign count = bits_i;
  end else if (Height == 1) begin : gen_leaf
    if (CarryCell != 0 && CarryCell < 4) begin : gen_tables_of_four
      // Full adders of two tables: where fewer than seven are counted, what a table has inputs left for is in it.
      wire [6:0] x = 7'(bits_i);
      wire [2:0] sum;
      assign count = sum[CountBits-1:0];
      wire unused_sum = &{1'b0, sum};
      // Inputs of the tables of the count, and the tables of its bits.
      wire [3:0] first;
      wire [3:0] second;
      if (Inputs <= 4) begin : gen_four
        assign first = x[3:0];
        assign second = x[3:0];
      end else begin : gen_adder
        wire [1:0] low;
        for (genvar i = 0; i < 2; i = i + 1) begin : gen_bit
          bnn_lut4 #(
            .Table(i == 0 ? 16'h9696 : 16'he8e8),
            .CarryCell(CarryCell)
          ) lut (
            .inputs_i({1'b0, x[2:0]}),
            .output_o(low[i])
          );
        end
        if (Inputs == 5) begin : gen_five
          assign first = {x[4:3], low};
          assign second = first;
        end else begin : gen_more
          wire [1:0] high;
          for (genvar i = 0; i < 2; i = i + 1) begin : gen_bit
            bnn_lut4 #(
              .Table(i == 0 ? 16'h9696 : 16'he8e8),
              .CarryCell(CarryCell)
            ) lut (
              .inputs_i({1'b0, x[5:3]}),
              .output_o(high[i])
            );
          end
          assign first = {x[6], high[0], 1'b0, low[0]};
          if (Inputs == 6) begin : gen_six
            assign second = {high[1], low[1], high[0], low[0]};
          end else begin : gen_seven
            wire carry;
            bnn_lut4 #(
              .Table(16'hfaa0),
              .CarryCell(CarryCell)
            ) lut (
              .inputs_i(first),
              .output_o(carry)
            );
            assign second = {high[1], low[1], 1'b0, carry};
          end
        end
      end
      // The number of ones among four bits; a bit, its carry, and two bits; two bits and their carry, and two carries; or
      // three carries.
      localparam [15:0] Zeroth = Inputs <= 4 ? 16'h6996 : 16'ha55a;
      localparam [15:0] One = Inputs <= 4 ? 16'h7ee8 : Inputs == 5 ? 16'h366c : Inputs == 6 ? 16'h8778 : 16'ha55a;
      localparam [15:0] Two = Inputs <= 4 ? 16'h8000 : Inputs == 5 ? 16'hc880 : Inputs == 6 ? 16'hf880 : 16'hfaa0;
      for (genvar i = 0; i < 3; i = i + 1) begin : gen_count
        bnn_lut4 #(
          .Table(i == 0 ? Zeroth : i == 1 ? One : Two),
          .CarryCell(CarryCell)
        ) lut (
          .inputs_i(i == 0 ? first : second),
          .output_o(sum[i])
        );
      end
    end else if (CarryCell == 0) begin : gen_sum
      // Two bits a table of four inputs; the seventh is a carry.
      wire [6:0] x = 7'(bits_i);
      wire [1:0] low = {(x[0] & x[1]) | (x[0] & x[2]) | (x[1] & x[2]), x[0] ^ x[1] ^ x[2]};
      wire [1:0] high = {(x[3] & x[4]) | (x[3] & x[5]) | (x[4] & x[5]), x[3] ^ x[4] ^ x[5]};
      wire [2:0] sum = {1'b0, low} + {1'b0, high} + 3'(x[6]);
      assign count = sum[CountBits-1:0];
      wire unused_sum = &{1'b0, sum};
    end else if (Inputs <= 3) begin : gen_pair
      wire [2:0] x = 3'(bits_i);
      bnn_lut6 #(
        .Table(64'he8e8e8e896969696)
      ) lut (
        .inputs_i({3'b100, x}),
        .o6_o    (count[1]),
        .o5_o    (count[0])
      );
    end else if (Inputs <= 5) begin : gen_tables
      wire [4:0] x = 5'(bits_i);
      bnn_lut6 #(
        .Table(64'h177e7ee896696996)
      ) lut (
        .inputs_i({1'b1, x}),
        .o6_o    (count[1]),
        .o5_o    (count[0])
      );
      wire unused_half;
      bnn_lut6 #(
        .Table(64'he8808000e8808000)
      ) top (
        .inputs_i({1'b1, x}),
        .o6_o    (count[2]),
        .o5_o    (unused_half)
      );
    end else begin : gen_chain
      wire [6:0] x = 7'(bits_i);
      wire [1:0] propagate;
      wire [1:0] generated;
      // Parity of six; of five, which is the sixth where that of six is 0.
      bnn_lut6 #(
        .Table(64'h6996966996696996)
      ) parity (
        .inputs_i(x[5:0]),
        .o6_o    (propagate[0]),
        .o5_o    (generated[0])
      );
      // Two or three of five; four or five.
      bnn_lut6 #(
        .Table(64'h177e7ee8e8808000)
      ) half (
        .inputs_i({1'b1, x[4:0]}),
        .o6_o    (propagate[1]),
        .o5_o    (generated[1])
      );
      bnn_carry_chain #(
        .Width (2),
        .CarryCell(CarryCell)
      ) chain (
        .carry_i    (x[6]),
        .propagate_i(propagate),
        .generate_i (generated),
        .sum_o      (count[1:0]),
        .carry_o    (count[2])
      );
    end
  end else begin : gen_node
    // The most inputs of a full tree below the last level.
    localparam int unsigned Full = Inputs <= 23 ? 7 : Inputs <= 67 ? 22 : Inputs <= 202 ? 67 : Inputs <= 607 ? 202
      : Inputs <= 1822 ? 607 : Inputs <= 5467 ? 1822 : 5467;
    // Inputs of the three branches, and those that are carries.
    localparam int unsigned Carries = Inputs == 23 ? 2 : 1;
    localparam int unsigned InputsA = Full < Inputs - Carries ? Full : Inputs - 1 - Carries;
    localparam int unsigned RestA = Inputs - Carries - InputsA;
    localparam int unsigned InputsB = Full < RestA ? Full : RestA;
    localparam int unsigned InputsC = RestA - InputsB;
    localparam int unsigned BitsA = $clog2(InputsA + 1);
    localparam int unsigned BitsB = $clog2(InputsB + 1);
    localparam int unsigned BitsC = $clog2(InputsC + 1);
    // Positions of the adder: where there are three numbers, one above the second.
    localparam int unsigned Needed = InputsC == 0 ? BitsA : BitsA > BitsB ? BitsA : BitsB + 1;
    localparam int unsigned Width = Needed < CountBits ? Needed : CountBits;

    wire [BitsA-1:0] a;
    wire [BitsB-1:0] b;
    wire [Width-1:0] c;
    wire [1:0]       carries;
    bnn_counter #(
      .Inputs(InputsA),
      .Level(Level - 1),
      .Stages(Stages),
      .Levels(Levels),
      .CarryCell(CarryCell)
    ) counter_a (
      .clk_i,
      .bits_i (bits_i[InputsA-1:0]),
      .count_o(a)
    );
    bnn_counter #(
      .Inputs(InputsB),
      .Level(Level - 1),
      .Stages(Stages),
      .Levels(Levels),
      .CarryCell(CarryCell)
    ) counter_b (
      .clk_i,
      .bits_i (bits_i[InputsA+:InputsB]),
      .count_o(b)
    );
    if (InputsC > 0) begin : gen_third
      wire [BitsC-1:0] count_c;
      bnn_counter #(
        .Inputs(InputsC),
        .Level(Level - 1),
        .Stages(Stages),
        .Levels(Levels),
        .CarryCell(CarryCell)
      ) counter_c (
        .clk_i,
        .bits_i (bits_i[InputsA+InputsB+:InputsC]),
        .count_o(count_c)
      );
      assign c = Width'(count_c);
    end else begin : gen_two
      assign c = '0;
    end
    for (genvar i = 0; i < 2; i = i + 1) begin : gen_carry
      if (i < Carries) begin : gen_input
        bnn_counter #(
          .Inputs(1),
          .Level(Level - 1),
          .Stages(Stages),
          .Levels(Levels),
          .CarryCell(CarryCell)
        ) delay (
          .clk_i,
          .bits_i (bits_i[Inputs-1-i]),
          .count_o(carries[i])
        );
      end else begin : gen_none
        assign carries[i] = 1'b0;
      end
    end
    wire [Width:0] sum;
    bnn_ternary_adder #(
      .Width(Width),
      .Added(BitsA > BitsB ? BitsA : BitsB),
      .Numbers(InputsC > 0 ? 3 : 2),
      .SecondCarry(Carries - 1),
      .CarryCell(CarryCell)
    ) adder (
      .a_i      (Width'(a)),
      .initial_i('0),
      .b_i      (Width'(b)),
      .c_i      (c),
      .carries_i(carries),
      .sum_o    (sum)
    );
    assign count = sum[CountBits-1:0];
    wire unused_sum = &{1'b0, sum};
  end

  if (Level > 0 && (Level + 1) * Stages / Levels > Level * Stages / Levels) begin : gen_register
    reg [CountBits-1:0] held;
    always @(posedge clk_i) held <= count;
    assign count_o = held;
  end else begin : gen_wire
    wire unused_clock = clk_i;
    assign count_o = count;
  end

endmodule

`default_nettype wire
