// SPDX-License-Identifier: Apache-2.0
// The index of a frame's largest score, the first of several that are equal; Lanes scores per cycle.
//
// With Affine, factor * x + offset is compared instead, with constants for each channel; with Ranked, a rank that the
// channel's table holds for the score, which covers any other monotone function exactly. The best score of a beat is found
// in one stage and compared with the best so far in the next, so the loop that carries a value is a single comparison.

`default_nettype none

module bnn_arg_max #(
  // Scores of a beat; at least 1, and at most 1,000 with Ranked.
  parameter int unsigned Lanes        = 1,
  // Beats of a frame; at least 1.
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
  // Of the tables: "block" or "distributed".
  parameter              MemoryKind   = "distributed",
  // Bits of the index, at least 1; they must hold Lanes * Beats - 1.
  parameter int unsigned OutputBits   = 4,
  // Beats that the output queue holds; at least 2, and 5 for one beat per cycle where a frame is one beat.
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

  reg [Lanes*InputBits-1:0]      data;
  reg [OutputBits-1:0]           first_index;
  reg                            entered;
  reg                            entered_first;
  reg                            entered_last;
  reg signed [ComparedBits-1:0]  beat_best;
  reg [OutputBits-1:0]           beat_index;
  reg                            found;
  reg                            found_first;
  reg                            found_last;
  reg signed [ComparedBits-1:0]  best;
  reg [OutputBits-1:0]           index;
  reg                            done;

  integer i;
  reg signed [ComparedBits-1:0] score;
  reg signed [ComparedBits-1:0] largest;
  reg [OutputBits-1:0]          largest_index;
  /* verilator lint_off UNUSEDSIGNAL */
  reg [InputBits-1:0]           element;  // with Ranked, its rank stands for it
  /* verilator lint_on UNUSEDSIGNAL */
  reg [FactorBits-1:0]          factor;
  reg [OffsetBits-1:0]          offset;

  wire better = found_first | (beat_best > best);

  /* verilator lint_off BLKSEQ */
  always @(posedge clk_i) begin
    data          <= s_tdata_i;
    first_index   <= OutputBits'(32'(beat) * Lanes);
    entered       <= take & rst_ni;
    entered_first <= beat == '0;
    entered_last  <= last;

    largest = '0;
    largest_index = '0;
    for (i = 0; i < Lanes; i = i + 1) begin
      element = data[i*InputBits+:InputBits];
      // Modulo 2 ** ComparedBits, which holds the result.
      if (InputSigned != 0) score = ComparedBits'($signed(element));
      else score = ComparedBits'(element);
      if (Affine != 0) begin
        factor = constants[i*LaneBits+:FactorBits];
        offset = constants[i*LaneBits+FactorBits+:OffsetBits];
        score  = score * ComparedBits'($signed(factor)) + ComparedBits'($signed(offset));
      end
      if (Ranked != 0) score = ComparedBits'(ranks[i*RankBits+:RankBits]);
      if (i == 0 || score > largest) begin
        largest = score;
        largest_index = first_index + OutputBits'(i);
      end
    end
    beat_best   <= largest;
    beat_index  <= largest_index;
    found       <= entered & rst_ni;
    found_first <= entered_first;
    found_last  <= entered_last;

    if (found & better) begin
      best  <= beat_best;
      index <= beat_index;
    end
    done <= found & found_last & rst_ni;
  end
  /* verilator lint_on BLKSEQ */

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
