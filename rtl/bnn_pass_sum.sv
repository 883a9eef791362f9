// SPDX-License-Identifier: Apache-2.0
// Adds up two numbers of each step of a pass, with an adder of three.

`default_nettype none

module bnn_pass_sum #(
  // Bits of a sum; at least 1. Sums are exact modulo 2 ** Bits.
  parameter int unsigned     Bits      = 4,
  // 2, or 1 if b_i is 0.
  parameter int unsigned     Numbers   = 2,
  // 1: a pass has one step, and nothing is accumulated; else 0.
  parameter int unsigned     OneStep   = 0,
  // 0: a sum starts at Initial; 1: at initial_i.
  parameter int unsigned     Loaded    = 0,
  parameter logic [Bits-1:0] Initial   = '0,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
  parameter int unsigned     CarryCell = 4
) (
  input  wire            clk_i,
  input  wire            rst_ni,
  // There is a step, the last of its pass; its numbers; and where its sum starts, if it is the first, else 0.
  input  wire            valid_i,
  input  wire            last_i,
  input  wire [Bits-1:0] a_i,
  input  wire [Bits-1:0] b_i,
  input  wire [Bits-1:0] initial_i,
  // The sum with this step.
  output wire [Bits-1:0] sum_o
);

  if (Bits < 1 || Numbers < 1 || Numbers > 2) begin : gen_check
    $error("bnn_pass_sum: Bits must be at least 1, Numbers 1 or 2");
  end

  // Between passes, the accumulator has the initial value, or 0 where initial_i adds that.
  localparam [Bits-1:0] Cleared = Loaded != 0 ? '0 : Initial;
  wire [Bits-1:0] accumulator;
  wire [Bits:0]   sum;
  if (OneStep != 0) begin : gen_no_accumulator
    assign accumulator = Cleared;
    wire unused = &{1'b0, clk_i, rst_ni, valid_i, last_i};
  end else begin : gen_accumulator
    reg [Bits-1:0] stored;
    always @(posedge clk_i) begin
      // A reset of their own is what such registers have for this.
      if (~rst_ni | (valid_i & last_i)) stored <= Cleared;
      else if (valid_i) stored <= sum[Bits-1:0];
    end
    assign accumulator = stored;
  end
  bnn_ternary_adder #(
    .Width    (Bits),
    .Numbers  (1 + Numbers),
    .CarryCell(CarryCell)
  ) adder (
    .a_i      (accumulator),
    .initial_i(Loaded != 0 ? initial_i : '0),
    .b_i      (a_i),
    .c_i      (b_i),
    .carries_i(2'b00),
    .sum_o    (sum)
  );
  assign sum_o = sum[Bits-1:0];
  wire unused_carry = &{1'b0, sum[Bits], initial_i};

endmodule

`default_nettype wire
