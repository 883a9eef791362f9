// SPDX-License-Identifier: Apache-2.0
// Merges several streams: in each frame comes a frame of the first stream, then one of the second, and so on.
//
// Only the last word of the last stream's frame has TLAST. The turn is one-hot, so that a word is an AND and an OR away from
// its stream.

`default_nettype none

module bnn_in_turn #(
  // Streams; at least 2.
  parameter int unsigned Streams = 2,
  // Bits of a word; at least 1.
  parameter int unsigned Width   = 8
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,
  // The first stream in the lowest bits.
  input  wire [Streams*Width-1:0] s_tdata_i,
  input  wire [Streams-1:0]       s_tvalid_i,
  input  wire [Streams-1:0]       s_tlast_i,
  output wire [Streams-1:0]       s_tready_o,
  output reg  [Width-1:0]         m_tdata_o,
  output wire                     m_tvalid_o,
  output wire                     m_tlast_o,
  input  wire                     m_tready_i
);

  if (Streams < 2 || Width < 1) begin : gen_check_sizes
    $error("bnn_in_turn: Streams must be at least 2, and Width at least 1");
  end

  // Whose turn it is: one bit is set.
  reg [Streams-1:0] turn;

  assign s_tready_o = turn & {Streams{m_tready_i}};
  assign m_tvalid_o = |(turn & s_tvalid_i);
  wire ends = |(turn & s_tlast_i);
  assign m_tlast_o = ends & turn[Streams-1];

  always @* begin
    m_tdata_o = '0;
    for (int unsigned i = 0; i < Streams; i = i + 1) begin
      m_tdata_o = m_tdata_o | ({Width{turn[i]}} & s_tdata_i[Width*i+:Width]);
    end
  end

  always @(posedge clk_i) begin
    if (!rst_ni) turn <= {{Streams - 1{1'b0}}, 1'b1};
    else if (m_tvalid_o & m_tready_i & ends) turn <= {turn[Streams-2:0], turn[Streams-1]};
  end

endmodule

`default_nettype wire
