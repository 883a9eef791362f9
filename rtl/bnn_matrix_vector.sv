// SPDX-License-Identifier: Apache-2.0
// The streaming matrix-vector unit: PE outputs and SIMD inputs per cycle, or whole vectors, several at once.
//
// An input vector takes MH/PE passes of MW/SIMD steps. Where there are several passes, bnn_vector_buffer holds it, and takes the
// next one meanwhile, in beats that may be narrower than a step; the first pass follows the beats.
//
// In the xnor form (weights and inputs -1 and +1) the accumulator counts equal bits p, and the dot product is 2p - MW; an input
// that is flagged as 0 counts as half an equal bit. Other dot products are added up as they are. With Levels > 0, the sums are
// compared with their thresholds here, else they leave as dot products.
//
// A place in the output queue is reserved when the last step of a pass starts, so the pipeline never stalls and READY comes
// from counters.

`default_nettype none

module bnn_matrix_vector #(
  // Inputs of the layer; at least 1.
  parameter int unsigned MW              = 8,
  // Outputs of the layer; at least 1.
  parameter int unsigned MH              = 8,
  // Outputs per cycle; a divisor of MH.
  parameter int unsigned PE              = 2,
  // Inputs per cycle; a divisor of MW.
  parameter int unsigned SIMD            = 4,
  // Vectors per beat; at least 1, and more than 1 only where PE = MH and SIMD = MW: the same weights apply to each.
  parameter int unsigned Pixels          = 1,
  // Inputs per beat: SIMD or, where vectors are read in several passes and have no flags, a divisor of it.
  parameter int unsigned InputLanes      = SIMD,
  // Vectors that wait in front of the datapath, the present one included, where they are read in several passes: 2, or 1 behind
  // a producer that can wait; see bnn_vector_buffer.
  parameter int unsigned InputBanks      = 2,
  // 1: weights are -1 and +1, stored as 0 and 1; more: two's complement.
  parameter int unsigned WeightBits      = 1,
  // 1: inputs are -1 and +1, stored as 0 and 1 in one bit; else 0.
  parameter int unsigned InputBipolar    = 1,
  // Bits of an input; at least 1.
  parameter int unsigned InputBits       = 1,
  // 0: other inputs are unsigned; 1: two's complement.
  parameter int unsigned InputSigned     = 0,
  // Flags of a vector in a beat; 0, or a divisor of SIMD: flag f says that the f-th of Flags equal parts of its inputs is 0,
  // whatever the bits. Flags lie above all inputs, those of the first vector lowest.
  parameter int unsigned Flags           = 0,
  // Bits of an accumulator, at least 1; enough for the count of equal bits (xnor, unsigned), else for the dot product. Where
  // SIMD / Flags is odd, the count is doubled.
  parameter int unsigned AccumulatorBits = 4,
  // Thresholds of an output; 0 for dot products.
  parameter int unsigned Levels          = 1,
  // How sums become results, with the bits of that form, see bnn_requantizer; thresholds have at least AccumulatorBits. With
  // inputs and weights of -1 and +1 and one threshold: "comparators", and bits enough for all counts less all thresholds.
  parameter              Requantizer     = "comparators",
  parameter int unsigned ThresholdBits   = 4,
  parameter int unsigned FactorBits      = 0,
  parameter int unsigned SumBits         = 1,
  parameter int unsigned Shift           = 0,
  parameter int unsigned Ties            = 0,
  // Bits of a result, at least 1; results are exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits      = 1,
  // Added to the count of thresholds; any integer.
  parameter int          OutputOffset    = 0,
  // Stages of the popcounts; at least 1. With inputs and weights of -1 and +1, see bnn_xnor_sums or, with flags,
  // bnn_padded_xnor_sums; else 1: all in one stage; 2: of groups of inputs first, then their sum; more: that, and further
  // registers.
  parameter int unsigned PopcountStages  = 1,
  // Inputs of a group; at least 1.
  parameter int unsigned PopcountGroup   = 32,
  // Beats that the output queue holds; at least 2, and (latency + 1) * SIMD / MW, rounded up, for full rate.
  parameter int unsigned QueueDepth      = 3,
  // Where sums are accumulated: "logic", or "dsp": in DSP slices. That needs family "xc7", inputs and weights of -1 and +1 without
  // flags, several steps, and at most 25 bits of a sum.
  parameter              Accumulators    = "logic",
  // Family of the device: "xc7" or "xcup" for forms in their cells, else ones for any device.
  parameter              Family          = "xc7",
  // Kind of the weight memory: "block" or "distributed".
  parameter              MemoryKind      = "block",
  // Cycles from a step to its weights, 1 to 3, with several banks to 4: with more registers around the memory, which block RAM
  // needs for a fast clock.
  parameter int unsigned WeightStages    = 1,
  // With inputs and weights of -1 and +1, cycles in which the inputs of a step become parities: 0, 1 or 2, see
  // bnn_parity_encoder; where these are more than those to its weights, the weights wait.
  parameter int unsigned ParityStages    = 0,
  // Words of a bank of weights, or 0 for one bank; see bnn_rom_banks.
  parameter int unsigned BankWords       = 0,
  // File of the weights, or the start of the names of the banks' files: for each pass and step a word with, for each PE and
  // each bit of the weights, the bits of SIMD inputs; for inputs and weights of -1 and +1, see bnn_xnor_sums or, with flags,
  // bnn_padded_xnor_sums.
  parameter              Weights         = "",
  // For a few words in LUTs of Xilinx devices, the words of weights, thresholds and start values as tables; see bnn_rom.
  parameter              WeightsLuts     = 1'b0,
  parameter              ThresholdsLuts  = 1'b0,
  parameter              StartsLuts      = 1'b0,
  // Kind of the memory of thresholds: "block" or "distributed".
  parameter              ThresholdMemory = "distributed",
  // File of the thresholds: for each pass a word with a row for each PE, see bnn_requantizer; or with minus the threshold of
  // each PE, of ThresholdBits.
  parameter              Thresholds      = "",
  // With weights of -1 and +1 but other inputs and not one threshold, or with other weights of up to 16 bits, inputs of -1 and +1 and no flags,
  // file of the values that sums start at: for each pass a word with that of each PE, see bnn_product_sums.
  parameter              Starts          = ""
) (
  input  wire                                           clk_i,
  input  wire                                           rst_ni,
  input  wire [Pixels*(InputLanes*InputBits+Flags)-1:0] s_tdata_i,
  input  wire                                           s_tvalid_i,
  output wire                                           s_tready_o,
  output wire [Pixels*PE*OutputBits-1:0]                m_tdata_o,
  output wire                                           m_tvalid_o,
  input  wire                                           m_tready_i
);

  if (MW < 1 || MH < 1 || Pixels < 1 || WeightBits < 1 || InputBits < 1) begin : gen_check_sizes
    $error("bnn_matrix_vector: MW, MH, Pixels, WeightBits and InputBits must be at least 1");
  end
  if (AccumulatorBits < 1 || OutputBits < 1) begin : gen_check_results
    $error("bnn_matrix_vector: AccumulatorBits and OutputBits must be at least 1");
  end
  if (InputBipolar > 1 || InputSigned > 1) begin : gen_check_types
    $error("bnn_matrix_vector: InputBipolar and InputSigned must be 0 or 1");
  end
  if (SIMD < 1 || MW % SIMD != 0) begin : gen_check_simd
    $error("bnn_matrix_vector: SIMD must divide MW");
  end
  if (PE < 1 || MH % PE != 0) begin : gen_check_pe
    $error("bnn_matrix_vector: PE must divide MH");
  end
  if (Pixels > 1 && (PE != MH || SIMD != MW)) begin : gen_check_pixels
    $error("bnn_matrix_vector: several vectors per beat need PE = MH and SIMD = MW");
  end
  if (InputBipolar != 0 && InputBits != 1) begin : gen_check_bipolar
    $error("bnn_matrix_vector: inputs of -1 and +1 have 1 bit");
  end
  if (Flags != 0 && SIMD % Flags != 0) begin : gen_check_flags
    $error("bnn_matrix_vector: Flags must divide SIMD");
  end
  if (InputLanes < 1 || SIMD % InputLanes != 0) begin : gen_check_lanes
    $error("bnn_matrix_vector: InputLanes must divide SIMD");
  end
  if (InputLanes != SIMD && (PE == MH || Flags != 0)) begin : gen_check_narrow
    $error("bnn_matrix_vector: beats of fewer inputs than SIMD need several passes and no Flags");
  end
  /* verilator lint_off WIDTH */
  // Names differ in length.
  localparam Comparators = Requantizer == "comparators";
  /* verilator lint_on WIDTH */
  if (Levels > 0 && ThresholdBits < AccumulatorBits && Comparators) begin : gen_check_thresholds
    $error("bnn_matrix_vector: ThresholdBits must be at least AccumulatorBits");
  end
  if (WeightStages < 1 || WeightStages > (BankWords != 0 ? 4 : 3)) begin : gen_check_weight_stages
    $error("bnn_matrix_vector: WeightStages must be at least 1, and at most 3, with banks 4");
  end
  if (ParityStages > 2) begin : gen_check_parity_stages
    $error("bnn_matrix_vector: ParityStages must be 0, 1 or 2");
  end
  if (PopcountStages < 1 || PopcountGroup < 1) begin : gen_check_stages
    $error("bnn_matrix_vector: PopcountStages and PopcountGroup must be at least 1");
  end

  localparam Xnor = InputBipolar != 0 && WeightBits == 1;
  localparam int unsigned Passes = MH / PE;
  localparam int unsigned Steps = MW / SIMD;
  localparam int unsigned Words = Passes * Steps;
  localparam int unsigned PassBits = Passes > 1 ? $clog2(Passes) : 1;
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1;
  localparam int unsigned AddressBits = Words > 1 ? $clog2(Words) : 1;

  // The xnor form keeps its weights re-encoded. A simulation counts equal bits as it finds them, which is several times faster.
`ifdef SYNTHESIS
  localparam Counted = Xnor;
`else
  localparam Counted = 1'b0;
`endif
  // A single threshold is where its sums start: less the threshold, so the sign is the result.
  localparam Signed = WeightBits == 1 && Levels == 1;
  // Sums that are more than the dot products by numbers of their own start at less, see bnn_product_sums.
  localparam Loaded = Signed || (!Xnor && (WeightBits == 1 || (InputBipolar != 0 && Flags == 0 && WeightBits <= 16)));
  // Others are compared with the sums.
  localparam Compared = Levels > 0 && !Signed;
  localparam int unsigned TotalBits = Signed ? ThresholdBits : AccumulatorBits;
  /* verilator lint_off WIDTH */
  localparam Dsp = Accumulators == "dsp";
  // Names differ in length.
  if (!Dsp && Accumulators != "logic") begin : gen_check_accumulators
    $error("bnn_matrix_vector: Accumulators must be \"logic\" or \"dsp\"");
  end
  if (Dsp && (Family != "xc7" || !Xnor || Flags != 0 || Steps == 1 || TotalBits > 25)) begin : gen_check_dsp
    $error("bnn_matrix_vector: Accumulators \"dsp\" need family \"xc7\", xnor, no Flags, several steps and 25 bits");
  end
  /* verilator lint_on WIDTH */

  // Inputs under one flag. An equal bit counts 1, and a flagged part half its inputs; where that is not an integer, all
  // counts are doubled.
  localparam int unsigned Parts = Flags > 0 ? Flags : 1;
  localparam int unsigned Part = SIMD / Parts;
  localparam int unsigned Double = Flags > 0 && Part % 2 != 0 ? 1 : 0;
  // Counts that leave as dot products, 2p - MW, start at half of -MW, rounded down.
  localparam [TotalBits-1:0] Initial = Xnor && Levels == 0 ? TotalBits'(0) - TotalBits'(((MW << Double) + 1) / 2) : '0;

  // Carry chains of families with a form of their own, see bnn_xnor_sums.
  /* verilator lint_off WIDTH */
  localparam int unsigned CarryCell = Family == "xc7" ? 4 : Family == "xcup" ? 8 : Family == "ice40" ? 1
    : Family == "ecp5" ? 2 : Family == "gowin" ? 3 : 0;
  /* verilator lint_on WIDTH */

  // Steps.

  wire [PassBits-1:0]    pass;
  wire [StepBits-1:0]    step;
  wire [AddressBits-1:0] address;

  wire first_pass;
  wire last_pass;
  wire first_step;
  wire last_step;
  wire has_room;
  wire x_valid;
  wire may_go = ~last_step | has_room;
  wire go     = may_go & x_valid;

  bnn_steps #(
    .Passes(Passes),
    .Steps(Steps),
    .PassBits(PassBits),
    .StepBits(StepBits),
    .AddressBits(AddressBits)
  ) steps (
    .clk_i,
    .rst_ni,
    .go_i        (go),
    .pass_o      (pass),
    .step_o      (step),
    .address_o   (address),
    .first_pass_o(first_pass),
    .last_pass_o (last_pass),
    .first_step_o(first_step),
    .last_step_o (last_step)
  );

  // The input vector, kept for the later passes.

  localparam int unsigned BeatBits = Pixels * (SIMD * InputBits + Flags);
  // Where it counts, inputs are parities (bnn_parity_encoder): from beats as they arrive, if those begin at even places and
  // that takes no stages.
  localparam Early = ParityStages == 0 && (InputLanes == SIMD || InputLanes % 2 == 0);
  wire [Pixels*(InputLanes*InputBits+Flags)-1:0] arriving;
  if (Counted && Early && Flags > 0) begin : gen_padded_parities
    for (genvar v = 0; v < Pixels; v = v + 1) begin : gen_vector
      bnn_padded_parities #(
        .Lanes(SIMD),
        .Parts(Parts),
        .Cells(CarryCell >= 4 ? 1 : 0)
      ) parities (
        .clk_i,
        .rst_ni,
        .inputs_i(s_tdata_i[v*SIMD+:SIMD]),
        .inputs_o(arriving[v*SIMD+:SIMD])
      );
    end
    assign arriving[Pixels*SIMD+:Pixels*Parts] = s_tdata_i[Pixels*SIMD+:Pixels*Parts];
  end else if (Counted && Early) begin : gen_early_parities
    wire last_beat;
    if (Passes == 1) begin : gen_step
      assign last_beat = last_step;
    end else begin : gen_beat
      localparam int unsigned Beats = MW / InputLanes;
      localparam int unsigned BeatCountBits = Beats > 1 ? $clog2(Beats) : 1;
      reg [BeatCountBits-1:0] beat;
      assign last_beat = beat == BeatCountBits'(Beats - 1);
      always @(posedge clk_i) begin
        if (s_tvalid_i & s_tready_o) beat <= last_beat ? '0 : beat + 1'b1;
        if (!rst_ni) beat <= '0;
      end
    end
    for (genvar v = 0; v < Pixels; v = v + 1) begin : gen_vector
      bnn_parity_encoder #(
        .Lanes(InputLanes),
        .Cells(CarryCell >= 4 ? 1 : 0)
      ) encoder (
        .clk_i,
        .rst_ni,
        .taken_i (s_tvalid_i & s_tready_o),
        .last_i  (last_beat),
        .inputs_i(s_tdata_i[v*InputLanes+:InputLanes]),
        .inputs_o(arriving[v*InputLanes+:InputLanes])
      );
    end
  end else begin : gen_as_they_are
    assign arriving = s_tdata_i;
  end
  wire [BeatBits-1:0] kept;
  if (Passes > 1) begin : gen_vector
    bnn_vector_buffer #(
      .BeatBits(InputLanes * InputBits + Flags),
      .Beats(SIMD / InputLanes),
      .Words(Steps),
      .Banks(InputBanks),
      .WordBits(StepBits)
    ) vector (
      .clk_i,
      .rst_ni,
      .s_tdata_i   (arriving),
      .s_tvalid_i,
      .s_tready_o,
      .word_i      (step),
      .first_pass_i(first_pass),
      .last_pass_i (last_pass),
      .read_i      (go),
      .valid_o     (x_valid),
      .data_o      (kept)
    );
  end else begin : gen_no_vector
    assign kept = arriving;
    assign x_valid = s_tvalid_i;
    assign s_tready_o = may_go;
    wire unused = &{1'b0, first_pass, InputBanks == 0};
  end

  // The step on its way to the datapath, where it is with its weights. A bit for each cycle since it began.
  localparam int unsigned Waits = WeightStages > ParityStages ? WeightStages - 1 : ParityStages;
  wire [Waits:0] going;
  wire [Waits:0] going_first;
  wire [Waits:0] going_last;
  if (Waits == 0) begin : gen_go
    assign {going, going_first, going_last} = {go, first_step, last_step};
  end else begin : gen_go_on
    reg [Waits-1:0] waiting;
    reg [Waits-1:0] waiting_first;
    reg [Waits-1:0] waiting_last;
    always @(posedge clk_i) begin
      waiting       <= Waits'({waiting, go});
      waiting_first <= Waits'({waiting_first, first_step});
      waiting_last  <= Waits'({waiting_last, last_step});
      if (!rst_ni) waiting <= '0;
    end
    assign going = {waiting, go};
    assign going_first = {waiting_first, first_step};
    assign going_last = {waiting_last, last_step};
  end
  wire                entering = going[Waits];
  wire                entering_first = going_first[Waits];
  wire                entering_last = going_last[Waits];
  wire [PassBits-1:0] entering_pass;
  bnn_delay #(
    .Width(PassBits),
    .Cycles(Waits)
  ) passes_going (
    .clk_i,
    .data_i(pass),
    .data_o(entering_pass)
  );

  // Its inputs, as parities: those that are encoded here wait before.
  localparam int unsigned Late = ParityStages > 0 ? Waits - ParityStages : 0;
  wire [BeatBits-1:0] waited;
  wire [BeatBits-1:0] x;
  wire [BeatBits-1:0] entering_x;
  bnn_delay #(
    .Width(BeatBits),
    .Cycles(Late)
  ) inputs_waiting (
    .clk_i,
    .data_i(kept),
    .data_o(waited)
  );
  if (Counted && !Early) begin : gen_late_parities
    for (genvar v = 0; v < Pixels; v = v + 1) begin : gen_vector
      if (Flags > 0) begin : gen_padded
        bnn_padded_parities #(
          .Lanes(SIMD),
          .Parts(Parts),
          .Cells(CarryCell >= 4 ? 1 : 0),
          .Stages(ParityStages)
        ) parities (
          .clk_i,
          .rst_ni,
          .inputs_i(waited[v*SIMD+:SIMD]),
          .inputs_o(x[v*SIMD+:SIMD])
        );
      end else begin : gen_whole
        bnn_parity_encoder #(
          .Lanes(SIMD),
          .Cells(CarryCell >= 4 ? 1 : 0),
          .Stages(ParityStages)
        ) encoder (
          .clk_i,
          .rst_ni,
          .taken_i (going[Late]),
          .last_i  (going_last[Late]),
          .inputs_i(waited[v*SIMD+:SIMD]),
          .inputs_o(x[v*SIMD+:SIMD])
        );
      end
    end
    if (Flags > 0) begin : gen_flags
      bnn_delay #(
        .Width(Pixels * Parts),
        .Cycles(ParityStages)
      ) flags_going (
        .clk_i,
        .data_i(waited[Pixels*SIMD+:Pixels*Parts]),
        .data_o(x[Pixels*SIMD+:Pixels*Parts])
      );
    end
  end else begin : gen_as_kept
    bnn_delay #(
      .Width(BeatBits),
      .Cycles(ParityStages)
    ) inputs_going (
      .clk_i,
      .data_i(waited),
      .data_o(x)
    );
  end
  bnn_delay #(
    .Width(BeatBits),
    .Cycles(Waits - Late - ParityStages)
  ) parities_waiting (
    .clk_i,
    .data_i(x),
    .data_o(entering_x)
  );
  wire unused_steps = &{1'b0, step, last_pass, entering_pass, going, going_first, going_last};

  // The number of its weights, which come in time.
  wire [AddressBits-1:0] word_address;
  bnn_delay #(
    .Width(AddressBits),
    .Cycles(Waits + 1 - WeightStages)
  ) address_waiting (
    .clk_i,
    .data_i(address),
    .data_o(word_address)
  );

  // Memories.

  wire [PE*WeightBits*SIMD-1:0] word;
  if (Xnor) begin : gen_encoded_weights
    bnn_xnor_weights #(
      .PE(PE),
      .SIMD(SIMD),
      .Parts(Flags),
      .Steps(Steps),
      .Passes(Passes),
      .AddressBits(AddressBits),
      .InitialBits(TotalBits),
      .Lowest(32'(Initial[0])),
      .Kind(MemoryKind),
      .Stages(WeightStages),
      .BankWords(BankWords),
      .File(Weights),
      .Luts(WeightsLuts),
      .Initial(Signed ? Thresholds : "")
    ) weights (
      .clk_i,
      .address_i(word_address),
      .word_o(word)
    );
  end else begin : gen_weights
    bnn_rom_banks #(
      .Width(PE * WeightBits * SIMD),
      .Words(Words),
      .AddressBits(AddressBits),
      .Kind(MemoryKind),
      .Stages(WeightStages),
      .BankWords(BankWords),
      .File(Weights),
      .Luts(WeightsLuts)
    ) weights (
      .clk_i,
      .address_i(word_address),
      .data_o(word)
    );
  end

  // Datapath.

  // Sums per cycle: those of the first vector, then those of the next.
  localparam int unsigned Sums = Pixels * PE;

  // One bit per stage: there is a step in it, which is the first or last of its pass. Stage 0 has its word; in stage
  // PopcountStages it is accumulated.
  reg [PopcountStages:0] valid;
  reg [PopcountStages:0] first;
  reg [PopcountStages:0] last;

  always @(posedge clk_i) begin
    valid <= {valid[PopcountStages-1:0], entering};
    first <= {first[PopcountStages-1:0], entering_first};
    last  <= {last[PopcountStages-1:0], entering_last};
    if (!rst_ni) valid <= '0;
  end
  wire last_sum = valid[PopcountStages] & last[PopcountStages];

  // Initial values of the sums of the step that is accumulated; 0 if it is not the first of its pass.
  wire [PE*TotalBits-1:0] initial_values;
  // Those of the pass of the step before it.
  wire [PE*TotalBits-1:0] early_values;
  // Lowest bits of those of the step in stage 0.
  wire [PE-1:0]           lowest;
  if (Loaded) begin : gen_initial_values
    // The pass of the step that is PopcountStages before.
    wire [PassBits-1:0] row_address;
    if (PopcountStages == 1) begin : gen_now
      assign row_address = entering_pass;
    end else begin : gen_later
      reg [(PopcountStages-1)*PassBits-1:0] passes;
      always @(posedge clk_i) passes <= ((PopcountStages - 1) * PassBits)'({passes, entering_pass});
      assign row_address = passes[(PopcountStages-2)*PassBits+:PassBits];
    end
    wire [PE*TotalBits-1:0] row;
    if (Signed) begin : gen_less_thresholds
      bnn_rom #(
        .Width(PE * TotalBits),
        .Words(Passes),
        .AddressBits(PassBits),
        .Kind("distributed"),
        .File(Thresholds),
        .Luts(ThresholdsLuts)
      ) rows (
        .clk_i,
        .address_i(row_address),
        .data_o(row)
      );
    end else begin : gen_starts
      bnn_rom #(
        .Width(PE * TotalBits),
        .Words(Passes),
        .AddressBits(PassBits),
        .Kind("distributed"),
        .File(Starts),
        .Luts(StartsLuts)
      ) rows (
        .clk_i,
        .address_i(row_address),
        .data_o(row)
      );
    end
    reg [PE*TotalBits-1:0] row_of_first;
    always @(posedge clk_i) begin
      row_of_first <= row;
      if (!first[PopcountStages-1]) row_of_first <= '0;
    end
    assign initial_values = row_of_first;
    assign early_values = row;
    if (Counted) begin : gen_lowest_bits
      wire [PE*TotalBits-1:0] early;
      bnn_rom #(
        .Width(PE * TotalBits),
        .Words(Passes),
        .AddressBits(PassBits),
        .Kind("distributed"),
        .File(Thresholds),
      .Luts(ThresholdsLuts)
      ) early_rows (
        .clk_i,
        .address_i(entering_pass),
        .data_o(early)
      );
      for (genvar p = 0; p < PE; p = p + 1) begin : gen_lowest
        assign lowest[p] = early[p*TotalBits];
      end
    end else begin : gen_no_lowest_bits
      assign lowest = '0;
    end
  end else begin : gen_one_initial_value
    assign initial_values = '0;
    assign early_values = '0;
    assign lowest = '0;
    wire unused_starts = &{1'b0, Starts == "", StartsLuts};
  end

  // The sums, which may be compared with thresholds, and otherwise the results themselves.

  wire [ Sums*TotalBits-1:0] sums;
  wire [Sums*OutputBits-1:0] direct;

  if (Counted) begin : gen_xnor_sums
    localparam int unsigned Bits = TotalBits > 1 ? TotalBits : 2;
    wire [PE*Bits-1:0] starts;
    wire [PE*Bits-1:0] early_starts;
    for (genvar p = 0; p < PE; p = p + 1) begin : gen_start
      assign starts[p*Bits+:Bits] = Bits'(initial_values[p*TotalBits+:TotalBits]);
      assign early_starts[p*Bits+:Bits] = Bits'(early_values[p*TotalBits+:TotalBits]);
    end
    for (genvar v = 0; v < Pixels; v = v + 1) begin : gen_vector
      wire [PE*Bits-1:0] next;
      if (Flags > 0) begin : gen_padded
        bnn_padded_xnor_sums #(
          .PE(PE),
          .SIMD(SIMD),
          .Flags(Parts),
          .Bits(Bits),
          .OneStep(Steps == 1 ? 1 : 0),
          .Stages(PopcountStages),
          .Fixed(Words == 1 ? 1 : 0),
          .Loaded(Signed ? 1 : 0),
          .Initial(Bits'($signed(Initial))),
          .CarryCell(CarryCell)
        ) xnor_sums (
          .clk_i,
          .rst_ni,
          .inputs_i (entering_x[v*SIMD+:SIMD]),
          .outside_i(entering_x[Pixels*SIMD+v*Parts+:Parts]),
          .word_i   (word),
          .valid_i  (valid[PopcountStages]),
          .last_i   (last[PopcountStages]),
          .initial_i(starts),
          .sums_o   (next)
        );
        wire unused_lowest = &{1'b0, lowest, first[0], early_starts};
      end else begin : gen_whole
        bnn_xnor_sums #(
          .PE(PE),
          .SIMD(SIMD),
          .Bits(Bits),
          .OneStep(Steps == 1 ? 1 : 0),
          .Stages(PopcountStages),
          .Fixed(Words == 1 ? 1 : 0),
          .Loaded(Signed ? 1 : 0),
          .Initial(Bits'($signed(Initial))),
          .CarryCell(CarryCell),
          .Dsp(Dsp ? 1 : 0)
        ) xnor_sums (
          .clk_i,
          .rst_ni,
          .inputs_i  (entering_x[v*SIMD+:SIMD]),
          .valid_i   (valid),
          .first_i   (first),
          .last_i    (last),
          .word_i    (word),
          .parities_i(lowest),
          .initial_i (starts),
          .early_initial_i(early_starts),
          .sums_o    (next)
        );
      end
      for (genvar p = 0; p < PE; p = p + 1) begin : gen_result
        wire signed [TotalBits:0] number = {next[p*Bits+:TotalBits], 1'(MW)};
        reg [ TotalBits-1:0] sum;
        reg [OutputBits-1:0] result;
        always @(posedge clk_i) begin
          if (valid[PopcountStages]) sum <= next[p*Bits+:TotalBits];
          if (last_sum & Signed) result <= OutputBits'(OutputOffset) + OutputBits'(!number[TotalBits]);
          else if (last_sum) result <= Double == 0 ? OutputBits'(number) : OutputBits'(number >>> 1);
        end
        assign sums[(v*PE+p)*TotalBits+:TotalBits] = sum;
        assign direct[(v*PE+p)*OutputBits+:OutputBits] = result;
      end
    end
  end else begin : gen_product_sums
    wire unused_lowest = &{1'b0, lowest, early_values};
    bnn_product_sums #(
      .MW(MW),
      .PE(PE),
      .SIMD(SIMD),
      .Pixels(Pixels),
      .WeightBits(WeightBits),
      .InputBipolar(InputBipolar),
      .InputBits(InputBits),
      .InputSigned(InputSigned),
      .Flags(Flags),
      .TotalBits(TotalBits),
      .Loaded(Loaded ? 1 : 0),
      .Initial(Initial),
      .Signed(Signed ? 1 : 0),
      .OneStep(Steps == 1 ? 1 : 0),
      .OutputBits(OutputBits),
      .OutputOffset(OutputOffset),
      .Stages(PopcountStages),
      .Group(PopcountGroup),
      .CarryCell(CarryCell >= 4 ? CarryCell : 0)
    ) product_sums (
      .clk_i,
      .rst_ni,
      .inputs_i (entering_x),
      .valid_i  (valid),
      .first_i  (first[PopcountStages]),
      .last_i   (last[PopcountStages]),
      .word_i   (word),
      .initial_i(initial_values),
      .sums_o   (sums),
      .results_o(direct)
    );
  end

  // Results.

  wire [Sums*OutputBits-1:0] result;
  wire                       result_valid;
  if (Compared) begin : gen_thresholds
    wire unused_direct = &{1'b0, direct};
    bnn_requantizer #(
      .Values(Sums),
      .Rows(PE),
      .Words(Passes),
      .ValueBits(TotalBits),
      .ValueSigned(Xnor ? 0 : 1),
      .Levels(Levels),
      .Form(Requantizer),
      .ThresholdBits(ThresholdBits),
      .FactorBits(FactorBits),
      .SumBits(SumBits),
      .Shift(Shift),
      .Ties(Ties),
      .OutputBits(OutputBits),
      .OutputOffset(OutputOffset),
      .MemoryKind(ThresholdMemory),
      .File(Thresholds),
      .Luts(ThresholdsLuts)
    ) requantizer (
      .clk_i,
      .rst_ni,
      .announce_i(last_sum),
      .values_i  (sums),
      .results_o (result),
      .valid_o   (result_valid)
    );
  end else begin : gen_direct
    reg has_direct;
    always @(posedge clk_i) has_direct <= last_sum & rst_ni;
    assign result = direct;
    assign result_valid = has_direct;
    wire unused_thresholds = &{
      1'b0, sums, Thresholds == "", ThresholdMemory == "", ThresholdsLuts, Requantizer == ""
    };
  end

  bnn_output_queue #(
    .Width(Sums * OutputBits),
    .Depth(QueueDepth),
    .Held(1)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(go & last_step),
    .data_i   (result),
    .valid_i  (result_valid),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
