// SPDX-License-Identifier: Apache-2.0
// One of several outputs on its way to a DMA: its beats wait in a queue and leave as words (bnn_beat_words).
//
// While other outputs have their turn, the queue accepts up to Depth beats of this one, so that it need not wait. The
// memory is read into a register, so that where it is large, it can be block RAM.

`default_nettype none

module bnn_frame_words #(
  // Bytes of a beat; at least 1.
  parameter int unsigned BeatBytes = 8,
  // Bytes of a word, and words of a beat; at least 1, and together at least BeatBytes.
  parameter int unsigned WordBytes = 8,
  parameter int unsigned Words     = 1,
  // Beats that can wait; at least 2.
  parameter int unsigned Depth     = 2
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  input  wire [8*BeatBytes-1:0] s_tdata_i,
  input  wire                   s_tvalid_i,
  input  wire                   s_tlast_i,
  output wire                   s_tready_o,
  output wire [8*WordBytes-1:0] m_tdata_o,
  output wire                   m_tvalid_o,
  output wire                   m_tlast_o,
  input  wire                   m_tready_i
);

  localparam int unsigned Width = 8 * BeatBytes;
  localparam int unsigned SlotBits = $clog2(Depth);
  localparam int unsigned LevelBits = $clog2(Depth + 1);

  if (Depth < 2) begin : gen_check_depth
    $error("bnn_frame_words: Depth must be at least 2");
  end

  reg [Width:0]         slots [0:Depth-1];
  reg [SlotBits-1:0]    write_slot;
  reg [SlotBits-1:0]    read_slot;
  reg [LevelBits-1:0]   level;
  reg [Width:0]         beat;
  reg                   has_beat;

  wire push  = s_tvalid_i & s_tready_o;
  wire is_free;
  wire pop   = has_beat & is_free;
  wire fetch = level != '0 & (~has_beat | pop);
  assign s_tready_o = level != LevelBits'(Depth);

  always @(posedge clk_i) begin
    if (push) slots[write_slot] <= {s_tlast_i, s_tdata_i};
    if (fetch) beat <= slots[read_slot];
    if (push) write_slot <= write_slot == SlotBits'(Depth - 1) ? '0 : write_slot + 1'b1;
    if (fetch) read_slot <= read_slot == SlotBits'(Depth - 1) ? '0 : read_slot + 1'b1;
    level <= level + LevelBits'(push) - LevelBits'(fetch);
    if (fetch) has_beat <= 1'b1;
    else if (pop) has_beat <= 1'b0;
    if (!rst_ni) begin
      write_slot <= '0;
      read_slot  <= '0;
      level      <= '0;
      has_beat   <= 1'b0;
    end
  end

  bnn_beat_words #(
    .BeatBytes(BeatBytes),
    .WordBytes(WordBytes),
    .Words(Words)
  ) cutter (
    .clk_i,
    .rst_ni,
    .s_tdata_i (beat[Width-1:0]),
    .s_tvalid_i(has_beat),
    .s_tlast_i (beat[Width]),
    .s_tready_o(is_free),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tlast_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
