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
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
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
  // Stage Stages: the initial values, of which the other bits are read; 0 unless the step is the first of its pass.
  input  wire [PE*Bits-1:0]   initial_i,
  // Stage Stages: the sums with this step.
  output wire [PE*Bits-1:0]   sums_o
);

  if (PE < 1 || SIMD < 1 || Bits < 2) begin : gen_check_sizes
    $error("bnn_xnor_sums: PE and SIMD must be at least 1, Bits at least 2");
  end

  // Carries of a step.
  localparam int unsigned Carries = (SIMD + 1) / 2;

  // No step of the pass comes behind that in stage 0. Registers have a reset of their own for this.
  wire read = ~rst_ni | (valid_i[0] & last_i[0]);

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

    wire [Carries-1:0] carries;
    bnn_xnor_carries #(
      .Inputs(SIMD),
      .Fixed(Fixed),
      .CarryCell(CarryCell)
    ) chain (
      .inputs_i (inputs),
      .weights_i(weights),
      .carries_o(carries)
    );
    wire [Bits-2:0] sum;
    bnn_accumulator #(
      .Bits(Bits - 1),
      .Counted(Carries),
      .OneStep(OneStep),
      .Stages(Stages),
      .Loaded(Loaded),
      .Initial(Initial[Bits-1:1]),
      .CarryCell(CarryCell)
    ) accumulator (
      .clk_i,
      .rst_ni,
      .bits_i     (carries),
      .low_i      (1'b0),
      .other_low_i(1'b0),
      .lowest_i   (1'b0),
      .valid_i    (valid_i[Stages]),
      .last_i     (last_i[Stages]),
      .initial_i  (initial_i[p*Bits+1+:Bits-1]),
      .sum_o      (sum)
    );

    // The lowest bit of the sum.
    reg [Stages-1:0] parity;
    always @(posedge clk_i) parity <= Stages'({parity, inputs[SIMD] ^ weights[SIMD]});
    assign sums_o[p*Bits+:Bits] = {sum, parity[Stages-1]};
  end

  wire unused = &{1'b0, valid_i, first_i, last_i, parities_i, initial_i};

endmodule

`default_nettype wire
