// SPDX-License-Identifier: Apache-2.0
// The index of the largest score of a frame, or of each of its pixels, the first of several that are equal; Lanes scores per
// cycle.
//
// With Affine, factor * x + offset is compared instead, with constants for each channel; with Ranked, a rank that the
// channel's table holds for the score, which covers any other monotone function exactly. The best score of a beat is found
// by a tree with TreeStages registers on each way, and compared with the best so far behind it, so the loop that carries a
// value is a single comparison.

`default_nettype none

module bnn_arg_max #(
  // Scores of a beat; at least 1, and at most 1,000 with Ranked.
  parameter int unsigned Lanes        = 1,
  // Beats of a pixel; at least 1.
  parameter int unsigned Beats        = 10,
  // Bits of a score; at least 1.
  parameter int unsigned InputBits    = 8,
  // 0: scores are unsigned; 1: two's complement.
  parameter int unsigned InputSigned  = 1,
  // Bits of the two's complement numbers that are compared, at least 1; they must hold all that occur.
  parameter int unsigned ComparedBits = 8,
  // 0, or 1 for constants of each channel.
  parameter int unsigned Affine       = 0,
  // Bits of a factor and of an offset, both two's complement; at least 1.
  parameter int unsigned FactorBits   = 1,
  parameter int unsigned OffsetBits   = 1,
  // 0, or 1 for tables of ranks; not together with Affine.
  parameter int unsigned Ranked       = 0,
  // Low bits of a score that are constant, so that they need no entries of their own; 0 or 1, and less than InputBits.
  parameter int unsigned RankShift    = 0,
  // Bits of a rank, unsigned; at least 1 and, with Ranked, less than ComparedBits.
  parameter int unsigned RankBits     = 1,
  // Registers between a score and what is compared: 0, 1, or with Affine 2, of which one is behind the multiplier.
  parameter int unsigned ScoreStages  = 0,
  // Registers of the tree; at least 1, and at most the logarithm of Lanes where that is more.
  parameter int unsigned TreeStages   = 1,
  // Of the tables: "block" or "distributed".
  parameter              MemoryKind   = "distributed",
  // Bits of the index, at least 1; they must hold Lanes * Beats - 1.
  parameter int unsigned OutputBits   = 4,
  // Beats that the output queue holds; at least 2, and 4 + ScoreStages + TreeStages for one beat per cycle where a pixel is
  // one beat.
  parameter int unsigned QueueDepth   = 2,
  // File of the constants: Beats words, in each for each lane the factor, then the offset, from the least significant bit.
  parameter              Constants    = "",
  // Start of the names of the tables' files; the lane's number in three digits and ".mem" follow. For each beat a word for
  // each score without its constant bits.
  parameter              Ranks        = ""
) (
  input  wire                       clk_i,
  input  wire                       rst_ni,
  input  wire [Lanes*InputBits-1:0] s_tdata_i,
  input  wire                       s_tvalid_i,
  output wire                       s_tready_o,
  output wire [OutputBits-1:0]      m_tdata_o,
  output wire                       m_tvalid_o,
  input  wire                       m_tready_i
);

  if (Lanes < 1 || Beats < 1 || InputBits < 1 || ComparedBits < 1) begin : gen_check_sizes
    $error("bnn_arg_max: Lanes, Beats, InputBits and ComparedBits must be at least 1");
  end
  if (FactorBits < 1 || OffsetBits < 1 || RankBits < 1) begin : gen_check_constants
    $error("bnn_arg_max: FactorBits, OffsetBits and RankBits must be at least 1");
  end
  if (InputSigned > 1 || Affine > 1 || Ranked > 1 || Affine + Ranked > 1) begin : gen_check_flags
    $error("bnn_arg_max: InputSigned, Affine and Ranked must be 0 or 1, and not both Affine and Ranked 1");
  end
  if (Ranked == 1 && (Lanes > 1000 || RankShift > 1 || RankShift >= InputBits || RankBits >= ComparedBits)) begin : gen_check_ranks
    $error("bnn_arg_max: ranks need at most 1000 Lanes, RankShift 0 or 1 and less than InputBits, RankBits less than ComparedBits");
  end
  if (ScoreStages > 1 + Affine || TreeStages < 1 || (TreeStages > 1 && TreeStages > $clog2(Lanes))) begin : gen_check_stages
    $error("bnn_arg_max: ScoreStages must be at most 1, or 2 with Affine, TreeStages 1 or at most the logarithm of Lanes");
  end
  if (OutputBits < 1 || OutputBits < $clog2(Lanes * Beats)) begin : gen_check_output
    $error("bnn_arg_max: OutputBits must be at least 1 and hold the last index");
  end

  localparam int unsigned BeatBits = Beats > 1 ? $clog2(Beats) : 1;
  localparam [BeatBits-1:0] LastBeat = BeatBits'(Beats - 1);

  reg [BeatBits-1:0] beat;

  wire has_room;
  wire last = beat == LastBeat;
  wire take = s_tvalid_i & s_tready_o;
  assign s_tready_o = ~last | has_room;

  always @(posedge clk_i) begin
    if (take) beat <= last ? '0 : beat + 1'b1;
    if (!rst_ni) beat <= '0;
  end

  localparam int unsigned LaneBits = FactorBits + OffsetBits;
  wire [Lanes*LaneBits-1:0] constants;
  if (Affine != 0) begin : gen_affine
    bnn_rom #(
      .Width(Lanes * LaneBits),
      .Words(Beats),
      .AddressBits(BeatBits),
      .Kind("distributed"),
      .File(Constants)
    ) rom (
      .clk_i,
      .address_i(beat),
      .data_o(constants)
    );
  end else begin : gen_plain
    wire unused_file = Constants == "";
    assign constants = '0;
  end

  localparam int unsigned CodeBits = Ranked != 0 ? InputBits - RankShift : 1;
  localparam int unsigned AddressBits = Beats > 1 ? BeatBits + CodeBits : CodeBits;
  wire [Lanes*RankBits-1:0] ranks;
  if (Ranked != 0) begin : gen_ranked
    for (genvar l = 0; l < Lanes; l = l + 1) begin : gen_lane
      // "007.mem": ASCII digits begin at 48.
      localparam [7*8-1:0] Suffix = {8'(48 + l / 100), 8'(48 + l / 10 % 10), 8'(48 + l % 10), ".mem"};
      wire [AddressBits-1:0] address;
      assign address[CodeBits-1:0] = s_tdata_i[(l+1)*InputBits-1-:CodeBits];
      if (Beats > 1) begin : gen_beat
        assign address[AddressBits-1-:BeatBits] = beat;
      end
      bnn_rom #(
        .Width(RankBits),
        .Words(Beats << CodeBits),
        .AddressBits(AddressBits),
        .Kind(MemoryKind),
        .File({Ranks, Suffix})
      ) rom (
        .clk_i,
        .address_i(address),
        .data_o(ranks[l*RankBits+:RankBits])
      );
    end
  end else begin : gen_unranked
    wire unused_files = Ranks == "" && MemoryKind == "";
    assign ranks = '0;
  end

  reg [Lanes*InputBits-1:0] data;
  always @(posedge clk_i) data <= s_tdata_i;

  // What is compared. Sums are modulo 2 ** ComparedBits, which holds the result.
  localparam int unsigned Compared = Lanes * ComparedBits;
  wire [Compared-1:0] products;
  wire [Compared-1:0] offsets;
  for (genvar l = 0; l < Lanes; l = l + 1) begin : gen_score
    wire [InputBits-1:0]    element = data[l*InputBits+:InputBits];
    wire [ComparedBits-1:0] value;
    if (Ranked != 0) begin : gen_rank
      wire unused_element = &{1'b0, element};
      assign value = ComparedBits'(ranks[l*RankBits+:RankBits]);
    end else begin : gen_element
      wire unused_rank = &{1'b0, ranks[l*RankBits+:RankBits]};
      assign value = InputSigned != 0 ? ComparedBits'($signed(element)) : ComparedBits'(element);
    end
    if (Affine != 0) begin : gen_affine
      assign products[l*ComparedBits+:ComparedBits] = value * ComparedBits'($signed(constants[l*LaneBits+:FactorBits]));
      assign offsets[l*ComparedBits+:ComparedBits] = ComparedBits'($signed(constants[l*LaneBits+FactorBits+:OffsetBits]));
    end else begin : gen_value
      wire unused_constants = &{1'b0, constants[l*LaneBits+:LaneBits]};
      assign products[l*ComparedBits+:ComparedBits] = value;
      assign offsets[l*ComparedBits+:ComparedBits] = '0;
    end
  end

  wire [Compared-1:0] terms;
  wire [Compared-1:0] sums;
  wire [Compared-1:0] scores;
  if (ScoreStages > 1) begin : gen_products
    reg [2*Compared-1:0] kept;
    always @(posedge clk_i) kept <= {offsets, products};
    assign {terms, sums} = {kept[2*Compared-1:Compared], kept[Compared-1:0]};
  end else begin : gen_no_products
    assign {terms, sums} = {offsets, products};
  end
  wire [Compared-1:0] results;
  for (genvar l = 0; l < Lanes; l = l + 1) begin : gen_sum
    assign results[l*ComparedBits+:ComparedBits] = sums[l*ComparedBits+:ComparedBits] + terms[l*ComparedBits+:ComparedBits];
  end
  if (ScoreStages > 0) begin : gen_scores
    reg [Compared-1:0] kept;
    always @(posedge clk_i) kept <= results;
    assign scores = kept;
  end else begin : gen_no_scores
    assign scores = results;
  end

  // The tree: of two scores that are equal the left one, whose lane is the lower, wins; each level adds a bit to the number of
  // the winner's lane. A level n is followed by registers if it completes a stage.
  localparam int unsigned Levels = Lanes > 1 ? $clog2(Lanes) : 0;
  localparam int unsigned IndexBits = Levels > 0 ? Levels : 1;

  for (genvar n = 0; n <= Levels; n = n + 1) begin : gen_level
    localparam int unsigned Nodes = (Lanes + 2 ** n - 1) >> n;
    localparam int unsigned Divisor = Levels > 0 ? Levels : 1;
    localparam Registered = Levels == 0 || (n > 0 && n * TreeStages / Divisor != (n - 1) * TreeStages / Divisor);
    wire [Nodes*ComparedBits-1:0] found;
    wire [Nodes*IndexBits-1:0]    found_lanes;
    wire [Nodes*ComparedBits-1:0] winners;
    wire [Nodes*IndexBits-1:0]    lanes;
    if (n == 0) begin : gen_leaves
      assign found = scores;
      assign found_lanes = '0;
    end else begin : gen_matches
      for (genvar i = 0; i < Nodes; i = i + 1) begin : gen_match
        localparam int unsigned L = 2 * i;
        // The last one of an odd number has no other.
        localparam int unsigned R = (L + 1) << (n - 1) < Lanes ? L + 1 : L;
        wire [ComparedBits-1:0] left_score  = gen_level[n-1].winners[L*ComparedBits+:ComparedBits];
        wire [ComparedBits-1:0] right_score = gen_level[n-1].winners[R*ComparedBits+:ComparedBits];
        wire [IndexBits-1:0]    left_lane   = gen_level[n-1].lanes[L*IndexBits+:IndexBits];
        wire [IndexBits-1:0]    right_lane  = gen_level[n-1].lanes[R*IndexBits+:IndexBits];
        wire right = $signed(right_score) > $signed(left_score);
        assign found[i*ComparedBits+:ComparedBits] = right ? right_score : left_score;
        assign found_lanes[i*IndexBits+:IndexBits] = right ? right_lane | IndexBits'(2 ** (n - 1)) : left_lane;
      end
    end
    if (Registered) begin : gen_registers
      reg [Nodes*(ComparedBits+IndexBits)-1:0] kept;
      always @(posedge clk_i) kept <= {found_lanes, found};
      assign {lanes, winners} = kept;
    end else begin : gen_wires
      assign {lanes, winners} = {found_lanes, found};
    end
  end
  wire [ComparedBits-1:0] beat_best = gen_level[Levels].winners;
  wire [IndexBits-1:0]    beat_lane = gen_level[Levels].lanes;

  // The best beat so far. It is known after the stages, one more for the input.
  localparam int unsigned Stages = 1 + ScoreStages + TreeStages;
  localparam [OutputBits-1:0] LaneStep = OutputBits'(Beats > 1 ? Lanes : 0);

  reg [Stages-1:0]       entered;
  reg [Stages-1:0]       entered_last;
  wire                   found      = entered[Stages-1];
  wire                   found_last = entered_last[Stages-1];
  reg                    found_first;
  reg [OutputBits-1:0]   first_index;  // of the beat
  reg [ComparedBits-1:0] best;
  reg [OutputBits-1:0]   index;
  reg                    done;
  wire better = found_first | ($signed(beat_best) > $signed(best));

  always @(posedge clk_i) begin
    entered      <= Stages'({entered, take});
    entered_last <= Stages'({entered_last, last});
    if (found & better) begin
      best  <= beat_best;
      index <= first_index + OutputBits'(beat_lane);
    end
    if (found) begin
      found_first <= found_last;
      first_index <= found_last ? '0 : first_index + LaneStep;
    end
    done <= found & found_last;
    if (!rst_ni) begin
      entered     <= '0;
      found_first <= 1'b1;
      first_index <= '0;
      done        <= 1'b0;
    end
  end

  bnn_output_queue #(
    .Width(OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(take & last),
    .data_i   (index),
    .valid_i  (done),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
