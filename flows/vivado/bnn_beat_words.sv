// SPDX-License-Identifier: Apache-2.0
// Cuts beats into words for a DMA: a beat is one word or several, the first the least significant, padded with zeros.
//
// Where a beat is one word, these are wires. Else a beat is loaded into a shift register; the next one is taken with the last
// word of the one before, so words leave in every cycle. The last word of a beat that has TLAST has it, too.

`default_nettype none

module bnn_beat_words #(
  // Bytes of a beat; at least 1.
  parameter int unsigned BeatBytes = 8,
  // Bytes of a word, and words of a beat; at least 1, and together at least BeatBytes.
  parameter int unsigned WordBytes = 8,
  parameter int unsigned Words     = 1
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

  if (BeatBytes < 1 || WordBytes < 1 || Words < 1 || BeatBytes > WordBytes * Words) begin : gen_check_sizes
    $error("bnn_beat_words: BeatBytes must be at least 1, and the words of a beat must hold it");
  end

  localparam int unsigned Width = 8 * WordBytes * Words;
  wire [Width-1:0] padded;
  assign padded[8*BeatBytes-1:0] = s_tdata_i;
  if (8 * BeatBytes < Width) begin : gen_padding
    assign padded[Width-1:8*BeatBytes] = '0;
  end

  if (Words == 1) begin : gen_pass
    assign m_tdata_o  = padded;
    assign m_tvalid_o = s_tvalid_i;
    assign m_tlast_o  = s_tlast_i;
    assign s_tready_o = m_tready_i;
    wire unused = &{1'b0, clk_i, rst_ni};
  end else begin : gen_scatter
    localparam int unsigned LeftBits = $clog2(Words + 1);
    reg [Width-1:0]    shift;
    reg [LeftBits-1:0] left;
    reg                last;
    wire load = s_tvalid_i & s_tready_o;
    wire send = m_tvalid_o & m_tready_i;
    assign s_tready_o = left == '0 | (left == LeftBits'(1) & m_tready_i);
    assign m_tdata_o  = shift[8*WordBytes-1:0];
    assign m_tvalid_o = left != '0;
    assign m_tlast_o  = last & left == LeftBits'(1);
    always @(posedge clk_i) begin
      if (load) begin
        shift <= padded;
        last  <= s_tlast_i;
      end else if (send) begin
        shift <= shift >> 8 * WordBytes;
      end
      if (!rst_ni) left <= '0;
      else if (load) left <= LeftBits'(Words);
      else if (send) left <= left - LeftBits'(1);
    end
  end

endmodule

`default_nettype wire
