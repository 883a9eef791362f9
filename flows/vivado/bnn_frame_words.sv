// SPDX-License-Identifier: Apache-2.0
// One of several outputs on its way to a DMA: its beats wait in a queue and leave as words.
//
// A beat is one word or several, the first the least significant, filled up with zeros. The last word of a frame is
// marked. While other outputs have their turn, the queue takes what this one gives.

`default_nettype none

module bnn_frame_words #(
  // Bytes of a beat and of a word, words of a beat.
  parameter int unsigned BeatBytes = 8,
  parameter int unsigned WordBytes = 8,
  parameter int unsigned Words     = 1,
  // Beats that wait, at least 2.
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
  localparam int unsigned Padded = 8 * WordBytes * Words;
  localparam int unsigned SlotBits = $clog2(Depth);
  localparam int unsigned LevelBits = $clog2(Depth + 1);
  localparam int unsigned LeftBits = $clog2(Words + 1);

  if (BeatBytes > WordBytes * Words || Depth < 2) begin : gen_check
    $error("bnn_frame_words: the words of a beat must hold its bytes, and Depth must be at least 2");
  end

  // A memory whose output is a register: where it is large, a block RAM.
  reg [Width:0]         slots [0:Depth-1];
  reg [SlotBits-1:0]    write_slot;
  reg [SlotBits-1:0]    read_slot;
  reg [LevelBits-1:0]   level;
  reg [Width:0]         beat;
  reg                   has_beat;

  wire push  = s_tvalid_i & s_tready_o;
  wire fetch;
  wire load;
  assign s_tready_o = level != LevelBits'(Depth);
  assign fetch      = level != '0 & (~has_beat | load);

  always @(posedge clk_i) begin
    if (push) slots[write_slot] <= {s_tlast_i, s_tdata_i};
    if (fetch) beat <= slots[read_slot];
    if (push) write_slot <= write_slot == SlotBits'(Depth - 1) ? '0 : write_slot + 1'b1;
    if (fetch) read_slot <= read_slot == SlotBits'(Depth - 1) ? '0 : read_slot + 1'b1;
    level <= level + LevelBits'(push) - LevelBits'(fetch);
    if (fetch) has_beat <= 1'b1;
    else if (load) has_beat <= 1'b0;
    if (!rst_ni) begin
      write_slot <= '0;
      read_slot  <= '0;
      level      <= '0;
      has_beat   <= 1'b0;
    end
  end

  wire [Padded-1:0] padded;
  if (Padded == Width) begin : gen_full
    assign padded = beat[Width-1:0];
  end else begin : gen_pad
    assign padded = {{Padded - Width{1'b0}}, beat[Width-1:0]};
  end

  if (Words == 1) begin : gen_forward
    assign load       = m_tvalid_o & m_tready_i;
    assign m_tdata_o  = padded;
    assign m_tvalid_o = has_beat;
    assign m_tlast_o  = beat[Width];
  end else begin : gen_scatter
    reg [Padded-1:0]   words;
    reg [LeftBits-1:0] left;
    reg                last;
    wire give = m_tvalid_o & m_tready_i;
    assign load       = has_beat & (left == '0 | (left == LeftBits'(1) & m_tready_i));
    assign m_tdata_o  = words[8*WordBytes-1:0];
    assign m_tvalid_o = left != '0;
    assign m_tlast_o  = last & left == LeftBits'(1);
    always @(posedge clk_i) begin
      if (load) begin
        words <= padded;
        last  <= beat[Width];
      end else if (give) begin
        words <= words >> 8 * WordBytes;
      end
      if (!rst_ni) left <= '0;
      else if (load) left <= LeftBits'(Words);
      else if (give) left <= left - LeftBits'(1);
    end
  end

endmodule

`default_nettype wire
