// SPDX-License-Identifier: Apache-2.0
// Concatenates two streams pixel by pixel: all channels of the first, then all channels of the second.
//
// Either one after the other, where a beat is a part of a pixel: the channels pass by turns and need no wider stream. Or at
// once, where a beat has whole pixels: a beat of each is taken in the same cycle, so each READY depends on the other
// stream's VALID, which comes from a register.

`default_nettype none

module bnn_concat #(
  // Bits of a pixel in a beat of each stream; at least 1, and equal where Pixels is 0.
  parameter int unsigned Width0 = 8,
  parameter int unsigned Width1 = 8,
  // Beats of a pixel of each stream, where Pixels is 0; at least 1.
  parameter int unsigned Beats0 = 1,
  parameter int unsigned Beats1 = 1,
  // 0: one after the other; else at once, this many whole pixels per beat.
  parameter int unsigned Pixels = 0,
  // Pixels in a beat of each input, and bits of a beat of the output.
  localparam int unsigned Count = Pixels > 0 ? Pixels : 1,
  localparam int unsigned Width = Pixels > 0 ? Pixels * (Width0 + Width1) : Width0
) (
  input  wire                    clk_i,
  input  wire                    rst_ni,
  input  wire [Count*Width0-1:0] s0_tdata_i,
  input  wire                    s0_tvalid_i,
  output wire                    s0_tready_o,
  input  wire [Count*Width1-1:0] s1_tdata_i,
  input  wire                    s1_tvalid_i,
  output wire                    s1_tready_o,
  output wire [Width-1:0]        m_tdata_o,
  output wire                    m_tvalid_o,
  input  wire                    m_tready_i
);

  if (Width0 < 1 || Width1 < 1 || Beats0 < 1 || Beats1 < 1) begin : gen_check_sizes
    $error("bnn_concat: Width0, Width1, Beats0 and Beats1 must be at least 1");
  end
  if (Pixels == 0 && Width0 != Width1) begin : gen_check_widths
    $error("bnn_concat: beats of streams that come one after the other must be of one width");
  end

  wire             queue_ready;
  wire             valid;
  wire [Width-1:0] joined;

  if (Pixels > 0) begin : gen_at_once
    assign valid = s0_tvalid_i & s1_tvalid_i;
    assign s0_tready_o = queue_ready & s1_tvalid_i;
    assign s1_tready_o = queue_ready & s0_tvalid_i;
    for (genvar p = 0; p < Pixels; p = p + 1) begin : gen_pixel
      assign joined[p*(Width0+Width1)+:Width0+Width1] = {s1_tdata_i[p*Width1+:Width1], s0_tdata_i[p*Width0+:Width0]};
    end
    wire unused_reset = rst_ni;
  end else begin : gen_one_after_the_other
    localparam int unsigned MostBeats = Beats0 > Beats1 ? Beats0 : Beats1;
    localparam int unsigned BeatBits = MostBeats > 1 ? $clog2(MostBeats) : 1;
    reg                second;
    reg [BeatBits-1:0] beat;
    wire last = beat == (second ? BeatBits'(Beats1 - 1) : BeatBits'(Beats0 - 1));
    assign valid = second ? s1_tvalid_i : s0_tvalid_i;
    assign joined = second ? s1_tdata_i : s0_tdata_i;
    assign s0_tready_o = queue_ready & ~second;
    assign s1_tready_o = queue_ready & second;
    always @(posedge clk_i) begin
      if (valid & queue_ready) begin
        beat   <= last ? '0 : beat + 1'b1;
        second <= second ^ last;
      end
      if (!rst_ni) begin
        beat   <= '0;
        second <= 1'b0;
      end
    end
  end

  bnn_fifo #(
    .Width(Width),
    .Depth(2)
  ) queue (
    .clk_i,
    .rst_ni,
    .s_tdata_i (joined),
    .s_tvalid_i(valid),
    .s_tready_o(queue_ready),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
