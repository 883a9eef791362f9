// SPDX-License-Identifier: Apache-2.0
// Joins two streams pixel by pixel: all channels of the first one's, then all channels of the second one's.
//
// They come one after the other, a part of a pixel a beat, or at once, whole pixels a beat. At once, a beat of both is taken in
// the same cycle, so each READY depends on the other stream's VALID, which is a register.

`default_nettype none

module bnn_concat #(
  // Bits of a pixel of each stream in a beat; the same where they come one after the other.
  parameter int unsigned Width0 = 8,
  parameter int unsigned Width1 = 8,
  // Beats of a pixel of each stream, where they come one after the other.
  parameter int unsigned Beats0 = 1,
  parameter int unsigned Beats1 = 1,
  // 0: one after the other; else at once, so many whole pixels a beat.
  parameter int unsigned Pixels = 0,
  // Pixels in a beat of one stream, and bits of a beat made.
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
