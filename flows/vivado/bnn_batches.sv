// SPDX-License-Identifier: Apache-2.0
// Between an AXI DMA and an accelerator.
//
// Words: a DMA moves words of 1, 2, 4 or 8 bytes. A beat of the accelerator is one word or several, the first the least
// significant, padded with zeros.
// Batches: a DMA's transfer ends at its first TLAST, but the accelerator marks every frame. So TLAST of the input, the end of a
// batch, becomes TLAST of that batch's last output. The next batch is accepted when that output has left.

`default_nettype none

module bnn_batches #(
  // Bytes of a word, and words of a beat, on either side; at least 1.
  parameter int unsigned InputWordBytes  = 8,
  parameter int unsigned InputWords      = 1,
  parameter int unsigned OutputWordBytes = 8,
  parameter int unsigned OutputWords     = 1,
  // Bytes of the accelerator's beats; at least 1, and no more than the words of a beat have.
  parameter int unsigned InputBytes      = 8,
  parameter int unsigned OutputBytes     = 8,
  // Input beats of a frame; at least 1.
  parameter int unsigned InputBeats      = 1
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  // From the DMA.
  input  wire [8*InputWordBytes-1:0]  s_tdata_i,
  input  wire                         s_tvalid_i,
  input  wire                         s_tlast_i,
  output wire                         s_tready_o,
  // To the accelerator.
  output wire [8*InputBytes-1:0]      frame_tdata_o,
  output wire                         frame_tvalid_o,
  input  wire                         frame_tready_i,
  // From the accelerator.
  input  wire [8*OutputBytes-1:0]     scores_tdata_i,
  input  wire                         scores_tvalid_i,
  input  wire                         scores_tlast_i,
  output wire                         scores_tready_o,
  // To the DMA.
  output wire [8*OutputWordBytes-1:0] m_tdata_o,
  output wire                         m_tvalid_o,
  output wire                         m_tlast_o,
  input  wire                         m_tready_i
);

  localparam int unsigned InputWidth = 8 * InputWordBytes * InputWords;

  // bnn_beat_words checks the output's.
  if (InputBytes < 1 || InputWordBytes < 1 || InputWords < 1 || InputBytes > InputWordBytes * InputWords) begin : gen_check_words
    $error("bnn_batches: InputBytes must be at least 1, and the words of a beat must hold it");
  end
  if (InputBeats < 1) begin : gen_check_beats
    $error("bnn_batches: InputBeats must be at least 1");
  end

  reg running;
  always @(posedge clk_i) running <= rst_ni;

  // The last word of a batch has come in, and the batch's last output has not left.
  reg  closed;
  wire open = running & ~closed;
  wire take = s_tvalid_i & s_tready_o;
  wire send = m_tvalid_o & m_tready_i;
  always @(posedge clk_i) begin
    if (!rst_ni) closed <= 1'b0;
    else if (take & s_tlast_i) closed <= 1'b1;
    else if (send & m_tlast_o) closed <= 1'b0;
  end

  // -- Words to beats ---------------------------------------------------------------------------------------------------

  wire [InputWidth-1:0] beat;
  wire                  beat_last;
  if (InputWords == 1) begin : gen_pass
    assign beat           = s_tdata_i;
    assign beat_last      = s_tlast_i;
    assign frame_tvalid_o = s_tvalid_i & open;
    assign s_tready_o     = frame_tready_i & open;
  end else begin : gen_gather
    localparam int unsigned CountBits = $clog2(InputWords + 1);
    reg [InputWidth-1:0] words;
    reg [CountBits-1:0]  count;
    reg                  last;
    assign frame_tvalid_o = count == CountBits'(InputWords);
    assign s_tready_o     = open & (~frame_tvalid_o | frame_tready_i);
    assign beat           = words;
    assign beat_last      = last;
    always @(posedge clk_i) begin
      if (take) begin
        words <= {s_tdata_i, words[InputWidth-1:8*InputWordBytes]};
        last  <= s_tlast_i;
      end
      if (!rst_ni) count <= '0;
      else if (frame_tvalid_o & frame_tready_i) count <= take ? CountBits'(1) : '0;
      else if (take) count <= count + CountBits'(1);
    end
  end
  assign frame_tdata_o = beat[8*InputBytes-1:0];
  if (8 * InputBytes < InputWidth) begin : gen_padding
    wire unused = &{1'b0, beat[InputWidth-1:8*InputBytes]};
  end

  // -- Frames -----------------------------------------------------------------------------------------------------------

  localparam int unsigned BeatBits = $clog2(InputBeats + 1);
  reg [BeatBits-1:0] beats;
  // Frames that have come in completely and whose last output has not left the accelerator.
  reg [15:0] frames;
  // The last of them is the batch's last.
  reg  whole;
  wire beat_in   = frame_tvalid_o & frame_tready_i;
  wire frame_in  = beat_in & beats == BeatBits'(InputBeats - 1);
  wire frame_out = scores_tvalid_i & scores_tready_o & scores_tlast_i;
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      beats  <= '0;
      frames <= '0;
      whole  <= 1'b0;
    end else begin
      if (beat_in) beats <= frame_in ? '0 : beats + BeatBits'(1);
      frames <= frames + 16'(frame_in) - 16'(frame_out);
      if (beat_in & beat_last) whole <= 1'b1;
      else if (send & m_tlast_o) whole <= 1'b0;
    end
  end
  // Whether a frame is a batch's last is known once it has come in completely; its last output waits for that.
  wire known = ~scores_tlast_i | frames != 16'd0;
  wire final_beat = scores_tlast_i & whole & frames == 16'd1;

  // -- Beats to words ---------------------------------------------------------------------------------------------------

  wire is_free;
  assign scores_tready_o = is_free & known;
  bnn_beat_words #(
    .BeatBytes(OutputBytes),
    .WordBytes(OutputWordBytes),
    .Words(OutputWords)
  ) cutter (
    .clk_i,
    .rst_ni,
    .s_tdata_i (scores_tdata_i),
    .s_tvalid_i(scores_tvalid_i & known),
    .s_tlast_i (final_beat),
    .s_tready_o(is_free),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tlast_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
