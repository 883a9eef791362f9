// SPDX-License-Identifier: Apache-2.0
// A sum over the steps of a pass: counts bits that weigh the same, and adds some that weigh less.
//
// The adder that accumulates has three numbers, so there are two counts, and a bit of a weight below theirs takes a place that
// is free in these. Where there is none, one or two of the counted bits are carries of the adder.

`default_nettype none

module bnn_accumulator #(
  // Bits of a sum; at least 1. Sums are exact modulo 2 ** Bits.
  parameter int unsigned     Bits      = 4,
  // Bits that are counted, and the place of their weight; at least 0.
  parameter int unsigned     Counted   = 4,
  parameter int unsigned     Place     = 0,
  // 1: a pass has one step, and nothing is accumulated; else 0.
  parameter int unsigned     OneStep   = 0,
  // Registers between the bits and the adder; at least 1, and no more than levels of the counters, the bits' own included.
  parameter int unsigned     Stages    = 1,
  // 0: a sum starts at Initial; 1: at initial_i.
  parameter int unsigned     Loaded    = 0,
  // Two's complement.
  parameter logic [Bits-1:0] Initial   = '0,
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
  parameter int unsigned     CarryCell = 4
) (
  input  wire                                clk_i,
  input  wire                                rst_ni,
  input  wire [(Counted>0 ? Counted : 1)-1:0] bits_i,
  // Bits of weights below: two for each place, and a third for place 0. Where Place is 0, all are 0.
  input  wire [(Place>0 ? Place : 1)-1:0]     low_i,
  input  wire [(Place>0 ? Place : 1)-1:0]     other_low_i,
  input  wire                                lowest_i,
  // Of the step in the last stage: there is one, the last of its pass; and where its sum starts, if it is the first, else 0.
  input  wire                                valid_i,
  input  wire                                last_i,
  input  wire [Bits-1:0]                     initial_i,
  // The sum with that step.
  output wire [Bits-1:0]                     sum_o
);

  if (Bits < 1) begin : gen_check_bits
    $error("bnn_accumulator: Bits must be at least 1");
  end

  // Carries of the adder, and the inputs of the counters.
  localparam int unsigned Direct = Place > 0 ? 0 : Counted == 16 || Counted == 32 ? 2
    : Counted == 3 || Counted == 5 || Counted > 8 ? 1 : 0;
  localparam int unsigned Rest = Counted - Direct;
  localparam int unsigned InputsB = Rest <= 1 ? 0 : Rest <= 8 ? 1 : Rest <= 14 ? Rest - 7 : Rest <= 30 ? 7
    : Rest <= 67 + 7 ? 22 : Rest <= 202 + 7 ? 67 : Rest <= 607 + 7 ? 202 : Rest <= 1822 + 7 ? 607 : 1822;
  localparam int unsigned InputsA = Rest - InputsB;
  localparam int unsigned Largest = InputsA > InputsB ? InputsA : InputsB;
  localparam int unsigned Height = Largest <= 1 ? 0 : Largest <= 7 ? 1 : Largest <= 23 ? 2 : Largest <= 67 ? 3
    : Largest <= 202 ? 4 : Largest <= 607 ? 5 : Largest <= 1822 ? 6 : Largest <= 5467 ? 7 : 8;
  localparam int unsigned Levels = Height + 1;
  if (Stages < 1 || Stages > Levels) begin : gen_check_stages
    $error("bnn_accumulator: Stages must be at least 1, and at most the levels that Counted needs");
  end

  // Level 0 is the bits.
  wire [(Counted>0 ? Counted : 1)-1:0] counted;
  if (Stages == Levels) begin : gen_register
    reg [(Counted>0 ? Counted : 1)-1:0] stored;
    always @(posedge clk_i) stored <= bits_i;
    assign counted = stored;
  end else begin : gen_wire
    assign counted = bits_i;
  end

  // What is not counted reaches the adder at the same time.
  localparam int unsigned Lows = Place > 0 ? Place : 1;
  localparam int unsigned Others = 2 * Lows + 2;
  wire [1:0]      direct;
  wire [1:0]      carries;
  wire [Lows-1:0] low;
  wire [Lows-1:0] other_low;
  for (genvar i = 0; i < 2; i = i + 1) begin : gen_direct
    if (i < Direct) begin : gen_bit
      assign direct[i] = bits_i[Counted-1-i];
    end else begin : gen_none
      assign direct[i] = 1'b0;
    end
  end
  reg [Stages*Others-1:0] others;
  always @(posedge clk_i) begin
    others <= (Stages * Others)'({others, other_low_i, low_i, direct[1], direct[0] | lowest_i});
  end
  assign {other_low, low, carries} = others[(Stages-1)*Others+:Others];

  wire [Bits-1:0] b;
  wire [Bits-1:0] c;
  if (InputsA > 0) begin : gen_count
    wire [$clog2(InputsA+1)-1:0] count;
    bnn_counter #(
      .Inputs(InputsA),
      .Level (Height),
      .Stages(Stages),
      .Levels(Levels),
      .CarryCell(CarryCell)
    ) counter (
      .clk_i,
      .bits_i (counted[InputsA-1:0]),
      .count_o(count)
    );
    assign b = (Bits'(count) << Place) | Bits'(low);
  end else begin : gen_no_count
    assign b = Bits'(low);
  end
  if (InputsB > 0) begin : gen_other_count
    wire [$clog2(InputsB+1)-1:0] count;
    bnn_counter #(
      .Inputs(InputsB),
      .Level (Height),
      .Stages(Stages),
      .Levels(Levels),
      .CarryCell(CarryCell)
    ) counter (
      .clk_i,
      .bits_i (counted[InputsA+:InputsB]),
      .count_o(count)
    );
    assign c = (Bits'(count) << Place) | Bits'(other_low);
  end else begin : gen_no_other_count
    assign c = Bits'(other_low);
  end

  // Between passes, the accumulator has the initial value, or 0 where initial_i adds that.
  localparam [Bits-1:0] Cleared = Loaded != 0 ? '0 : Initial;
  wire [Bits-1:0] earlier;
  wire [Bits:0]   sum;
  if (OneStep != 0) begin : gen_one_step
    assign earlier = Cleared;
  end else begin : gen_steps
    reg [Bits-1:0] stored;
    always @(posedge clk_i) begin
      if (~rst_ni | (valid_i & last_i)) stored <= Cleared;
      else if (valid_i) stored <= sum[Bits-1:0];
    end
    assign earlier = stored;
  end
  // Bits of the counts.
  localparam int unsigned Longer = Place + $clog2((InputsA > InputsB ? InputsA : InputsB) + 1);
  bnn_ternary_adder #(
    .Width(Bits),
    .Added(Longer < 1 ? 1 : Longer < Bits ? Longer : Bits),
    .FirstCarry(Direct > 0 || Place > 0 ? 1 : 0),
    .SecondCarry(Direct == 2 ? 1 : 0),
    .CarryCell(CarryCell)
  ) adder (
    .a_i      (earlier),
    .initial_i(Loaded != 0 ? initial_i : '0),
    .b_i      (b),
    .c_i      (c),
    .carries_i(carries),
    .sum_o    (sum)
  );
  assign sum_o = sum[Bits-1:0];

  wire unused = &{1'b0, rst_ni, valid_i, last_i, initial_i, counted, sum[Bits]};

endmodule

`default_nettype wire
