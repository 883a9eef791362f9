// SPDX-License-Identifier: Apache-2.0
// Selects and reorders the channels of whole pixels, among constants if there are any: wires, and a queue.
//
// The same elements are selected of every beat, so this needs no logic; the queue registers the wires, which may be long.

`default_nettype none

module bnn_select #(
  // Elements of an input beat, all channels of one or several pixels; at least 1.
  parameter int unsigned               Inputs      = 1,
  // Elements of an output beat; at least 1.
  parameter int unsigned               Outputs     = 1,
  // Bits of an element; at least 1.
  parameter int unsigned               ElementBits = 1,
  // 0, or 1 where a flag above the elements says that the beat lies outside the image; the flag passes through.
  parameter int unsigned               Flags       = 0,
  // How many constant elements there are to select from, and what they are, the first lowest.
  parameter int unsigned               Constants   = 0,
  parameter [(Constants>0?Constants:1)*ElementBits-1:0] Constant = '0,
  // Bits of an index; 1 to 32.
  parameter int unsigned               IndexBits   = 1,
  // For each output element, the first lowest, the index of the element that it is: less than Inputs for one of the beat,
  // from Inputs on for a constant.
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

  if (Inputs < 1 || Outputs < 1 || ElementBits < 1 || IndexBits < 1 || IndexBits > 32) begin : gen_check_sizes
    $error("bnn_select: Inputs, Outputs and ElementBits must be at least 1, and IndexBits 1 to 32");
  end
  if (Flags > 1) begin : gen_check_flags
    $error("bnn_select: Flags must be 0 or 1");
  end

  localparam int unsigned Flag = Flags != 0 ? 1 : 0;
  localparam int unsigned Sources = Inputs + (Constants > 0 ? Constants : 1);

  wire [Sources*ElementBits-1:0] sources = {Constant, s_tdata_i[Inputs*ElementBits-1:0]};

  wire [Outputs*ElementBits+Flag-1:0] selected;
  for (genvar c = 0; c < Outputs; c = c + 1) begin : gen_channel
    localparam int unsigned From = 32'(Index[c*IndexBits+:IndexBits]);
    if (From >= Inputs + Constants) begin : gen_check_index
      $error("bnn_select: each index must be less than Inputs + Constants");
    end
    assign selected[c*ElementBits+:ElementBits] = sources[From*ElementBits+:ElementBits];
  end
  if (Flags != 0) begin : gen_flag
    assign selected[Outputs*ElementBits] = s_tdata_i[Inputs*ElementBits];
  end
  // Channels that are not selected.
  wire unused = &{1'b0, s_tdata_i, sources};

  bnn_fifo #(
    .Width(Outputs * ElementBits + Flag),
    .Depth(2)
  ) queue (
    .clk_i,
    .rst_ni,
    .s_tdata_i (selected),
    .s_tvalid_i,
    .s_tready_o,
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
