// SPDX-License-Identifier: Apache-2.0
// Sends one stream to two consumers, each through a queue of its own.
//
// A beat enters when both queues have room. The queues let the consumers take it in different cycles, so neither waits for
// the other one's READY, and READY comes from registers.

`default_nettype none

module bnn_fork #(
  // Bits of a beat; at least 1 (bnn_fifo checks it).
  parameter int unsigned Width = 8
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Width-1:0] s_tdata_i,
  input  wire             s_tvalid_i,
  output wire             s_tready_o,
  output wire [Width-1:0] m0_tdata_o,
  output wire             m0_tvalid_o,
  input  wire             m0_tready_i,
  output wire [Width-1:0] m1_tdata_o,
  output wire             m1_tvalid_o,
  input  wire             m1_tready_i
);

  wire ready0;
  wire ready1;
  assign s_tready_o = ready0 & ready1;
  wire take = s_tvalid_i & s_tready_o;

  bnn_fifo #(
    .Width(Width),
    .Depth(2)
  ) queue0 (
    .clk_i,
    .rst_ni,
    .s_tdata_i,
    .s_tvalid_i(take),
    .s_tready_o(ready0),
    .m_tdata_o (m0_tdata_o),
    .m_tvalid_o(m0_tvalid_o),
    .m_tready_i(m0_tready_i)
  );

  bnn_fifo #(
    .Width(Width),
    .Depth(2)
  ) queue1 (
    .clk_i,
    .rst_ni,
    .s_tdata_i,
    .s_tvalid_i(take),
    .s_tready_o(ready1),
    .m_tdata_o (m1_tdata_o),
    .m_tvalid_o(m1_tvalid_o),
    .m_tready_i(m1_tready_i)
  );

endmodule

`default_nettype wire
