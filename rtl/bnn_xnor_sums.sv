// SPDX-License-Identifier: Apache-2.0
// The datapath of a matrix-vector unit for weights and inputs of -1 and +1: counts equal bits with one lookup table for two.
//
// Full adders that pass their sum bit on from one to the next turn two more equal bits each into a carry of weight 2; what is
// left is one bit of weight 1, the parity of all equal bits so far. That is the XOR of a parity of the inputs, which is the
// same for all PEs, and one of the weights, which is known. So with parities in the words, a carry is a function of six bits:
// one lookup table, and the sum bits need none. Parities run on from step to step of a pass: only carries are counted, and the
// last parity is the lowest bit of the sum.
//
// Bit i of a PE's part of a word, for inputs 0 to SIMD - 1 of a step: the parity of the number of -1 among the weights of the
// pass up to input i, XOR the lowest bit of the initial value. Inputs are those of bnn_parity_encoder.
//
// Steps pass through stages, of which 0 has the word that was read for the step; in stage Stages they are accumulated.

`default_nettype none

module bnn_xnor_sums #(
  // Sums per cycle; at least 1.
  parameter int unsigned     PE       = 2,
  // Inputs per cycle; at least 1.
  parameter int unsigned     SIMD     = 4,
  // Bits of a sum; at least 2, and enough for the signed sum of the initial value and the count of equal bits.
  parameter int unsigned     Bits     = 4,
  // 1: a pass has one step, and nothing is accumulated; else 0.
  parameter int unsigned     OneStep  = 0,
  // Registers between the carries and the accumulators; at least 1, and no more than levels of the counter and the carries.
  parameter int unsigned     Stages   = 1,
  // 1: word_i is a constant, and logic synthesis shares carries of several PEs; else 0.
  parameter int unsigned     Fixed    = 0,
  // 0: sums start at Initial; 1: at a value that the unit around this one reads for each pass and PE.
  parameter int unsigned     Loaded   = 0,
  // Initial value of all sums, two's complement.
  parameter logic [Bits-1:0] Initial  = '0,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
  parameter int unsigned     CarryCell = 4
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // The step that enters.
  input  wire [SIMD-1:0]      inputs_i,
  // One bit per stage: there is a step in it, which is the first or last of its pass.
  input  wire [Stages:0]      valid_i,
  input  wire [Stages:0]      first_i,
  input  wire [Stages:0]      last_i,
  // Stage 0.
  input  wire [PE*SIMD-1:0]   word_i,
  // Stage 0: the lowest bits of the initial values of the pass.
  input  wire [PE-1:0]        parities_i,
  // Stage Stages: their other bits, 0 unless the step is the first of its pass.
  input  wire [PE*Bits-PE-1:0] initial_i,
  // Stage Stages: the sums with this step.
  output wire [PE*Bits-1:0]   sums_o
);

  if (PE < 1 || SIMD < 1 || Bits < 2) begin : gen_check_sizes
    $error("bnn_xnor_sums: PE and SIMD must be at least 1, Bits at least 2");
  end

  // Carries of a step, and the parities in a word.
  localparam int unsigned Carries = (SIMD + 1) / 2;

  // How the carries reach an adder with the accumulator: as two counts and up to two carries of that adder.
  localparam int unsigned Full = Carries <= 67 + 8 ? 22 : Carries <= 202 + 8 ? 67 : Carries <= 607 + 8 ? 202
    : Carries <= 1822 + 8 ? 607 : 1822;
  localparam int unsigned Direct = Carries == 16 || Carries == 32 ? 2
    : Carries == 3 || Carries == 5 || Carries > 8 ? 1 : 0;
  localparam int unsigned InputsB = Carries == 1 ? 0 : Carries <= 8 ? 1 : Carries < 16 ? Carries - 8
    : Carries <= 32 ? 7 : Full;
  localparam int unsigned InputsA = Carries - Direct - InputsB;
  localparam int unsigned Largest = InputsA > InputsB ? InputsA : InputsB;
  localparam int unsigned Height = Largest <= 1 ? 0 : Largest <= 7 ? 1 : Largest <= 23 ? 2 : Largest <= 67 ? 3
    : Largest <= 202 ? 4 : Largest <= 607 ? 5 : Largest <= 1822 ? 6 : Largest <= 5467 ? 7 : 8;
  localparam int unsigned Levels = Height + 1;
  localparam int unsigned BitsA = $clog2(InputsA + 1);
  localparam int unsigned BitsB = InputsB > 0 ? $clog2(InputsB + 1) : 1;
  if (Stages < 1 || Stages > Levels) begin : gen_check_stages
    $error("bnn_xnor_sums: Stages must be at least 1, and at most the levels that SIMD needs");
  end

  // No step of the pass comes behind that in stage 0, and in stage Stages. Registers have a reset of their own for this.
  wire read        = ~rst_ni | (valid_i[0] & last_i[0]);
  wire accumulated = ~rst_ni | (valid_i[Stages] & last_i[Stages]);

  // Input 0 is the parity before the step.
  reg [SIMD-1:0] held;
  reg            held_before;
  always @(posedge clk_i) begin
    held <= inputs_i;
    if (read) held_before <= 1'b0;
    else if (valid_i[0]) held_before <= held[SIMD-1];
  end
  wire [SIMD:0] inputs = {held, held_before};

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    // The same for the weights.
    wire [SIMD:0] weights;
    assign weights[SIMD:1] = word_i[p*SIMD+:SIMD];
    if (OneStep != 0) begin : gen_only
      assign weights[0] = Loaded != 0 ? parities_i[p] : Initial[0];
    end else if (Loaded != 0) begin : gen_loaded
      reg earlier;
      always @(posedge clk_i) if (valid_i[0]) earlier <= weights[SIMD];
      assign weights[0] = first_i[0] ? parities_i[p] : earlier;
    end else begin : gen_constant
      reg earlier;
      always @(posedge clk_i) begin
        if (read) earlier <= Initial[0];
        else if (valid_i[0]) earlier <= weights[SIMD];
      end
      assign weights[0] = earlier;
    end

    // The carries of the sum bit before two equal bits and of these; with an odd last one, of the sum bit and that.
    wire [Carries-1:0] carries;
    for (genvar k = 0; k < Carries; k = k + 1) begin : gen_carry
      wire entering = inputs[2*k] ^ weights[2*k];
      if (2 * k + 1 == SIMD) begin : gen_one
        assign carries[k] = entering & ~(inputs[SIMD] ^ weights[SIMD]);
      end else if (CarryCell != 0 && Fixed == 0) begin : gen_table
        wire unused_entering = entering;
        wire unused_half;
        bnn_lut6 #(
          .Table(64'he77e42244224e77e)
        ) lut (
          .inputs_i({weights[2*k+2], inputs[2*k+2], weights[2*k+1], inputs[2*k+1], weights[2*k], inputs[2*k]}),
          .o6_o    (carries[k]),
          .o5_o    (unused_half)
        );
      end else begin : gen_two
        wire equal = inputs[2*k+1] ^ weights[2*k+1] ^ weights[2*k];
        wire leaving = inputs[2*k+2] ^ weights[2*k+2];
        assign carries[k] = entering == equal ? equal : ~leaving;
      end
    end

    // Level 0 is the carries.
    wire [Carries-1:0] counted;
    if (Stages == Levels) begin : gen_register
      reg [Carries-1:0] stored;
      always @(posedge clk_i) stored <= carries;
      assign counted = stored;
    end else begin : gen_wire
      assign counted = carries;
    end
    wire [Bits-2:0] a;
    wire [Bits-2:0] b;
    wire [1:0]      direct;
    wire [BitsA-1:0] count_a;
    bnn_counter #(
      .Inputs(InputsA),
      .Level (Height),
      .Stages(Stages),
      .Levels(Levels),
      .CarryCell(CarryCell)
    ) counter_a (
      .clk_i,
      .bits_i (counted[InputsA-1:0]),
      .count_o(count_a)
    );
    assign a = (Bits - 1)'(count_a);
    if (InputsB > 0) begin : gen_second
      wire [BitsB-1:0] count_b;
      bnn_counter #(
        .Inputs(InputsB),
        .Level (Height),
        .Stages(Stages),
        .Levels(Levels),
        .CarryCell(CarryCell)
      ) counter_b (
        .clk_i,
        .bits_i (counted[InputsA+:InputsB]),
        .count_o(count_b)
      );
      assign b = (Bits - 1)'(count_b);
    end else begin : gen_no_second
      assign b = '0;
    end
    for (genvar i = 0; i < 2; i = i + 1) begin : gen_direct
      if (i < Direct) begin : gen_input
        bnn_counter #(
          .Inputs(1),
          .Level (Height),
          .Stages(Stages),
          .Levels(Levels),
          .CarryCell(CarryCell)
        ) delay (
          .clk_i,
          .bits_i (counted[Carries-1-i]),
          .count_o(direct[i])
        );
      end else begin : gen_none
        assign direct[i] = 1'b0;
      end
    end

    // Accumulate. Between passes, the accumulator has the initial value, or 0 where initial_i adds that.
    wire [Bits-2:0] accumulator;
    wire [Bits-2:0] initial_value = Loaded != 0 ? initial_i[p*(Bits-1)+:Bits-1] : '0;
    wire [Bits-1:0] sum;
    if (OneStep != 0) begin : gen_no_accumulator
      assign accumulator = Loaded != 0 ? '0 : Initial[Bits-1:1];
    end else begin : gen_accumulator
      localparam [Bits-2:0] Cleared = Loaded != 0 ? '0 : Initial[Bits-1:1];
      reg [Bits-2:0] stored;
      always @(posedge clk_i) begin
        if (accumulated) stored <= Cleared;
        else if (valid_i[Stages]) stored <= sum[Bits-2:0];
      end
      assign accumulator = stored;
    end
    bnn_ternary_adder #(
      .Width(Bits - 1),
      .SecondCarry(Direct == 2 ? 1 : 0),
      .CarryCell(CarryCell)
    ) adder (
      .a_i      (accumulator),
      .initial_i(initial_value),
      .b_i      (a),
      .c_i      (b),
      .carries_i(direct),
      .sum_o    (sum)
    );

    // The lowest bit of the sum.
    reg [Stages-1:0] parity;
    always @(posedge clk_i) parity <= Stages'({parity, inputs[SIMD] ^ weights[SIMD]});
    assign sums_o[p*Bits+:Bits] = {sum[Bits-2:0], parity[Stages-1]};
    wire unused_carry = sum[Bits-1];
  end

  wire unused = &{1'b0, first_i, parities_i, initial_i};

endmodule

`default_nettype wire
