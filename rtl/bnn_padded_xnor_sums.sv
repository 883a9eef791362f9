// SPDX-License-Identifier: Apache-2.0
// The datapath of bnn_xnor_sums for inputs of which whole parts may lie outside the image: these count half their inputs.
//
// No parity runs from one part of a step into another, so each is counted or not whatever the others are: a part gives carries,
// worth two equal bits each, and its last parity, worth one. Where it lies outside, half of the carries are set instead, in
// the registers behind them, which costs no table. Full adders turn the last parities of many parts into carries.
//
// With an odd number of inputs, half of them is no integer, and sums are doubled: the flags are bits of weight 1.
//
// Bit i of a PE's part of a word, for inputs 0 to SIMD - 1 of a step: the parity of the number of -1 among the weights of the
// same part up to input i. Inputs are those of bnn_parity_encoder.
//
// Steps pass through stages, of which 0 has the word that was read for the step; in stage Stages they are accumulated.

`default_nettype none

module bnn_padded_xnor_sums #(
  // Sums per cycle; at least 1.
  parameter int unsigned     PE        = 2,
  // Inputs per cycle; at least 1.
  parameter int unsigned     SIMD      = 4,
  // Parts of them with a flag each; a divisor of SIMD.
  parameter int unsigned     Flags     = 1,
  // Bits of a sum; at least 1, and enough for the signed sum of the initial value and the count.
  parameter int unsigned     Bits      = 4,
  // 1: a pass has one step, and nothing is accumulated; else 0.
  parameter int unsigned     OneStep   = 0,
  // Registers between the carries and the accumulators; at least 2, the first of which is behind the carries. For the others
  // see bnn_accumulator.
  parameter int unsigned     Stages    = 2,
  // 1: word_i is a constant, and logic synthesis shares carries of several PEs; else 0.
  parameter int unsigned     Fixed     = 0,
  // 0: sums start at Initial; 1: at a value that the unit around this one reads for each pass and PE.
  parameter int unsigned     Loaded    = 0,
  // Initial value of all sums, two's complement.
  parameter logic [Bits-1:0] Initial   = '0,
  // Carry chains of the device: 4 or 8 for cells of so many positions (Xilinx), 1 to 3 for a family with tables of four
  // inputs (see bnn_lut4); 0 for a form that any device has.
  parameter int unsigned     CarryCell = 4
) (
  input  wire               clk_i,
  input  wire               rst_ni,
  // The step that enters: its inputs, and for each part whether it is outside.
  input  wire [SIMD-1:0]    inputs_i,
  input  wire [Flags-1:0]   outside_i,
  // Stage 0.
  input  wire [PE*SIMD-1:0] word_i,
  // Stage Stages: there is a step in it, the last of its pass; and its initial values, 0 unless it is the first.
  input  wire               valid_i,
  input  wire               last_i,
  input  wire [PE*Bits-1:0] initial_i,
  // Stage Stages: the sums with this step.
  output wire [PE*Bits-1:0] sums_o
);

  if (PE < 1 || SIMD < 1 || Bits < 1) begin : gen_check_sizes
    $error("bnn_padded_xnor_sums: PE, SIMD and Bits must be at least 1");
  end
  if (Flags < 1 || SIMD % Flags != 0) begin : gen_check_flags
    $error("bnn_padded_xnor_sums: Flags must divide SIMD");
  end
  if (Stages < 2) begin : gen_check_stages
    $error("bnn_padded_xnor_sums: Stages must be at least 2");
  end

  // A part's chain of full adders begins with its first input if their number is odd, else with 0.
  localparam int unsigned Part = SIMD / Flags;
  localparam int unsigned Odd = Part % 2;
  localparam int unsigned Pairs = Part / 2;
  // A part outside: the carries that are set, and its last parity.
  localparam int unsigned Set = Part / 4;
  localparam Half = Part / 2 % 2 != 0;
  // Bits of weight 1/2 where the part is odd: the flags, with adders common to all PEs.
  localparam int unsigned HalvesKept = 3;
  localparam int unsigned HalfAdders = Odd != 0 && Flags > HalvesKept ? (Flags - HalvesKept + 1) / 2 : 0;
  // Bits of weight 1.
  localparam int unsigned Ones = Flags + HalfAdders;
  localparam int unsigned OnesKept = Odd != 0 ? 2 : 3;
  localparam int unsigned Adders = Ones > OnesKept ? (Ones - OnesKept + 1) / 2 : 0;
  localparam int unsigned Carries = Flags * Pairs + Adders;

  // Stage 0.
  reg [SIMD-1:0]  inputs;
  reg [Flags-1:0] outside;
  always @(posedge clk_i) begin
    inputs  <= inputs_i;
    outside <= outside_i;
  end

  wire [2:0]            halves;
  wire [Ones-Flags:0] half_carries;
  if (Odd != 0) begin : gen_halves
    wire [Flags-2*HalfAdders-1:0] kept;
    wire [(HalfAdders>0 ? HalfAdders : 1)-1:0] carries;
    bnn_full_adders #(
      .Inputs(Flags),
      .Kept(HalvesKept),
      .CarryCell(CarryCell)
    ) adders (
      .bits_i   (outside),
      .kept_o   (kept),
      .carries_o(carries)
    );
    reg [2:0] stored;
    always @(posedge clk_i) stored <= 3'(kept);
    assign halves = stored;
    assign half_carries = (HalfAdders + 1)'(carries);
  end else begin : gen_no_halves
    assign halves = '0;
    assign half_carries = '0;
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [Carries>0 ? Carries-1 : 0:0] carries;
    wire [Ones-1:0] ones;

    for (genvar f = 0; f < Flags; f = f + 1) begin : gen_part
      wire [2*Pairs:0] a = (2 * Pairs + 1)'({inputs[f*Part+:Part], 1'b0} >> Odd);
      wire [2*Pairs:0] w = (2 * Pairs + 1)'({word_i[p*SIMD+f*Part+:Part], 1'b0} >> Odd);
      assign ones[f] = outside[f] ? Half : a[2*Pairs] ^ w[2*Pairs];
      if (Pairs > 0) begin : gen_chain
        wire [Pairs-1:0] found;
        bnn_xnor_carries #(
          .Inputs(2 * Pairs),
          .Fixed(Fixed),
          .CarryCell(CarryCell)
        ) chain (
          .inputs_i (a),
          .weights_i(w),
          .carries_o(found)
        );
        reg [Pairs-1:0] stored;
        always @(posedge clk_i) begin
          stored <= found;
          if (outside[f]) stored <= {Pairs{1'b1}} >> (Pairs - Set);
        end
        assign carries[f*Pairs+:Pairs] = stored;
      end
    end
    if (HalfAdders > 0) begin : gen_half_carries
      assign ones[Ones-1:Flags] = half_carries[HalfAdders-1:0];
    end

    // Stage 1 begins with the registers of carries and bits.
    wire [Ones-2*Adders-1:0] kept;
    wire [(Adders>0 ? Adders : 1)-1:0] ones_carries;
    bnn_full_adders #(
      .Inputs(Ones),
      .Kept(OnesKept),
      .CarryCell(CarryCell)
    ) adders (
      .bits_i   (ones),
      .kept_o   (kept),
      .carries_o(ones_carries)
    );
    reg [2:0] lone;
    always @(posedge clk_i) lone <= 3'(kept);
    if (Adders > 0) begin : gen_ones_carries
      reg [Adders-1:0] stored;
      always @(posedge clk_i) stored <= ones_carries;
      assign carries[Carries-1-:Adders] = stored;
    end else if (Carries == 0) begin : gen_no_carries
      assign carries = 1'b0;
    end

    bnn_accumulator #(
      .Bits(Bits),
      .Counted(Carries),
      .Place(1 + Odd),
      .OneStep(OneStep),
      .Stages(Stages - 1),
      .Loaded(Loaded),
      .Initial(Initial),
      .CarryCell(CarryCell)
    ) accumulator (
      .clk_i,
      .rst_ni,
      .bits_i     (carries),
      .low_i      ((1 + Odd)'({lone[0], halves[0]} >> (1 - Odd))),
      .other_low_i((1 + Odd)'({lone[1], halves[1]} >> (1 - Odd))),
      .lowest_i   (Odd != 0 ? halves[2] : lone[2]),
      .valid_i,
      .last_i,
      .initial_i  (initial_i[p*Bits+:Bits]),
      .sum_o      (sums_o[p*Bits+:Bits])
    );
    wire unused_lone = &{1'b0, lone, ones_carries};
  end

  wire unused = &{1'b0, halves, half_carries};

endmodule

`default_nettype wire
