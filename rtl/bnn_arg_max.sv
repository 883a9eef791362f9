// SPDX-License-Identifier: Apache-2.0
// The index of a frame's largest score, the first where several are equal; Lanes scores a cycle.
//
// With Affine, factor * x + offset is compared instead, with constants for each channel; with Ranked, a number from a table
// of each channel. The best of a beat is found in one stage, compared with the best so far in the next.

`default_nettype none

module bnn_arg_max #(
  // Scores a beat, beats a frame.
  parameter int unsigned Lanes        = 1,
  parameter int unsigned Beats        = 10,
  parameter int unsigned InputBits    = 8,
  parameter int unsigned InputSigned  = 1,
  // Bits of what is compared, as a signed number.
  parameter int unsigned ComparedBits = 8,
  // 1: constants for each channel.
  parameter int unsigned Affine       = 0,
  parameter int unsigned FactorBits   = 1,
  parameter int unsigned OffsetBits   = 1,
  // 1: a table for each lane, with a word for each beat and each code of a score, or where the lowest RankShift (0 or 1)
  // bits of the codes are constant, for each two.
  parameter int unsigned Ranked       = 0,
  parameter int unsigned RankShift    = 0,
  parameter int unsigned RankBits     = 1,
  // Of the tables: "block", or "distributed".
  parameter              MemoryKind   = "distributed",
  parameter int unsigned OutputBits   = 4,
  // Beats that the output queue holds.
  parameter int unsigned QueueDepth   = 2,
  // File of the constants: for each lane the factor, then the offset, from the least significant bit.
  parameter              Constants    = "",
  // Files of the tables, up to the number of the lane, three digits.
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
  reg                            taken;
  reg                            taken_first;
  reg                            taken_last;
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
  reg [InputBits-1:0]           element;  // with Ranked its rank stands for it
  /* verilator lint_on UNUSEDSIGNAL */
  reg [FactorBits-1:0]          factor;
  reg [OffsetBits-1:0]          offset;

  wire better = found_first | (beat_best > best);

  /* verilator lint_off BLKSEQ */
  always @(posedge clk_i) begin
    data        <= s_tdata_i;
    first_index <= OutputBits'(32'(beat) * Lanes);
    taken       <= take & rst_ni;
    taken_first <= beat == '0;
    taken_last  <= last;

    largest = '0;
    largest_index = '0;
    for (i = 0; i < Lanes; i = i + 1) begin
      element = data[i*InputBits+:InputBits];
      // Modulo the width of what is compared, which holds the result.
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
    found       <= taken & rst_ni;
    found_first <= taken_first;
    found_last  <= taken_last;

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
