// SPDX-License-Identifier: Apache-2.0
// Chooses and orders the channels of whole pixels, the same elements of every beat, and constants: wires and a queue.

`default_nettype none

module bnn_select #(
  // Elements of a beat, before and after: all channels of one or several pixels.
  parameter int unsigned               Inputs      = 1,
  parameter int unsigned               Outputs     = 1,
  parameter int unsigned               ElementBits = 1,
  // 1: a flag above the elements says that the beat lies outside the image; it goes along.
  parameter int unsigned               Flags       = 0,
  // Elements that are constant, the first lowest; they count behind those of a beat.
  parameter int unsigned               Constants   = 0,
  parameter [(Constants>0?Constants:1)*ElementBits-1:0] Constant = '0,
  // For each element made, IndexBits of the number of the one that it is, the first lowest.
  parameter int unsigned               IndexBits   = 1,
  parameter [Outputs*IndexBits-1:0]    Index       = '0
) (
  input  wire                                        clk_i,
  input  wire                                        rst_ni,
  input  wire [Inputs*ElementBits+(Flags!=0?1:0)-1:0]  s_tdata_i,
  input  wire                                        s_tvalid_i,
  output wire                                        s_tready_o,
  output wire [Outputs*ElementBits+(Flags!=0?1:0)-1:0] m_tdata_o,
  output wire                                        m_tvalid_o,
  input  wire                                        m_tready_i
);

  localparam int unsigned Flag = Flags != 0 ? 1 : 0;
  localparam int unsigned Given = Inputs + (Constants > 0 ? Constants : 1);

  wire [Given*ElementBits-1:0] given = {Constant, s_tdata_i[Inputs*ElementBits-1:0]};

  wire [Outputs*ElementBits+Flag-1:0] chosen;
  for (genvar c = 0; c < Outputs; c = c + 1) begin : gen_channel
    localparam int unsigned From = 32'(Index[c*IndexBits+:IndexBits]);
    assign chosen[c*ElementBits+:ElementBits] = given[From*ElementBits+:ElementBits];
  end
  if (Flags != 0) begin : gen_flag
    assign chosen[Outputs*ElementBits] = s_tdata_i[Inputs*ElementBits];
  end
  // Channels that nobody chose.
  wire unused = &{1'b0, s_tdata_i, given};

  bnn_fifo #(
    .Width(Outputs * ElementBits + Flag),
    .Depth(2)
  ) queue (
    .clk_i,
    .rst_ni,
    .s_tdata_i (chosen),
    .s_tvalid_i,
    .s_tready_o,
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
