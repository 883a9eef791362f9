// SPDX-License-Identifier: Apache-2.0
// The accelerator's output boundary: pads a beat with zeros to whole bytes and marks the last beat of a frame with TLAST.
//
// A queue of two beats registers what leaves, so no logic of the last unit lies on the accelerator's ports.

`default_nettype none

module bnn_score_output #(
  // Bits of a beat inside; at least 1.
  parameter int unsigned InputWidth  = 7,
  // Bits of a beat outside; a multiple of 8, at least InputWidth.
  parameter int unsigned OutputWidth = 8,
  // Beats of a frame; at least 1.
  parameter int unsigned Beats       = 1
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  input  wire [InputWidth-1:0]  s_tdata_i,
  input  wire                   s_tvalid_i,
  output wire                   s_tready_o,
  output wire [OutputWidth-1:0] m_tdata_o,
  output wire                   m_tvalid_o,
  input  wire                   m_tready_i,
  output wire                   m_tlast_o
);

  if (OutputWidth % 8 != 0 || OutputWidth < InputWidth) begin : gen_check_width
    $error("bnn_score_output: OutputWidth must be a multiple of 8 that holds InputWidth bits");
  end

  if (InputWidth < 1 || Beats < 1) begin : gen_check_sizes
    $error("bnn_score_output: InputWidth and Beats must be at least 1");
  end

  localparam int unsigned CountBits = Beats > 1 ? $clog2(Beats) : 1;
  localparam [CountBits-1:0] LastBeat = CountBits'(Beats - 1);

  reg  [CountBits-1:0]  beat;
  wire [InputWidth-1:0] data;

  bnn_fifo #(
    .Width(InputWidth),
    .Depth(2)
  ) register_slice (
    .clk_i,
    .rst_ni,
    .s_tdata_i,
    .s_tvalid_i,
    .s_tready_o,
    .m_tdata_o (data),
    .m_tvalid_o,
    .m_tready_i
  );

  assign m_tdata_o = OutputWidth'(data);
  assign m_tlast_o = beat == LastBeat;

  always @(posedge clk_i) begin
    if (m_tvalid_o & m_tready_i) beat <= (beat == LastBeat) ? '0 : beat + 1'b1;
    if (!rst_ni) beat <= '0;
  end

endmodule

`default_nettype wire
