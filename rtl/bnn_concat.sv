// SPDX-License-Identifier: Apache-2.0
// Joins two streams pixel by pixel: all channels of the first one's, then all channels of the second one's.

`default_nettype none

module bnn_concat #(
  // Bits of a beat.
  parameter int unsigned Width  = 8,
  // Beats of a pixel of each stream.
  parameter int unsigned Beats0 = 1,
  parameter int unsigned Beats1 = 1
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Width-1:0] s0_tdata_i,
  input  wire             s0_tvalid_i,
  output wire             s0_tready_o,
  input  wire [Width-1:0] s1_tdata_i,
  input  wire             s1_tvalid_i,
  output wire             s1_tready_o,
  output wire [Width-1:0] m_tdata_o,
  output wire             m_tvalid_o,
  input  wire             m_tready_i
);

  localparam int unsigned MostBeats = Beats0 > Beats1 ? Beats0 : Beats1;
  localparam int unsigned BeatBits = MostBeats > 1 ? $clog2(MostBeats) : 1;

  reg                second;
  reg [BeatBits-1:0] beat;

  wire queue_ready;
  assign s0_tready_o = queue_ready & ~second;
  assign s1_tready_o = queue_ready & second;
  wire valid = second ? s1_tvalid_i : s0_tvalid_i;
  wire last  = beat == (second ? BeatBits'(Beats1 - 1) : BeatBits'(Beats0 - 1));

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

  bnn_fifo #(
    .Width(Width),
    .Depth(2)
  ) queue (
    .clk_i,
    .rst_ni,
    .s_tdata_i (second ? s1_tdata_i : s0_tdata_i),
    .s_tvalid_i(valid),
    .s_tready_o(queue_ready),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
