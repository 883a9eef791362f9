// SPDX-License-Identifier: Apache-2.0
// Element-wise thresholds: for each element, the number of its channel's thresholds that it reaches; PE elements per cycle.
//
// A word of the memory holds a row for each of Rows channels, the first in the lowest bits; bnn_requantizer says what is in a
// row. A place in the output queue is reserved when a beat enters, so the pipeline never stalls and READY comes from a
// counter.

`default_nettype none

module bnn_threshold #(
  // Elements per cycle; at least 1.
  parameter int unsigned PE             = 1,
  // Words of the threshold memory, at least 1: the channels of a pixel come in Words groups.
  parameter int unsigned Words          = 1,
  // Rows of a word, a divisor of PE: PE, fewer where a cycle has several pixels, or 1 where one row serves all channels.
  parameter int unsigned Rows           = 1,
  // Bits of an element; at least 1.
  parameter int unsigned InputBits      = 8,
  // 0: elements and thresholds are unsigned; 1: two's complement.
  parameter int unsigned InputSigned    = 0,
  // Thresholds of a channel; at least 1.
  parameter int unsigned Levels         = 1,
  // How elements become results, with the bits of that form, see bnn_requantizer; thresholds have at least InputBits.
  parameter              Requantizer    = "comparators",
  parameter int unsigned ThresholdBits  = 9,
  parameter int unsigned FactorBits     = 0,
  parameter int unsigned SumBits        = 1,
  parameter int unsigned Shift          = 0,
  parameter int unsigned Ties           = 0,
  // Bits of a result, at least 1; results are exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits     = 1,
  // Added to the count; any integer.
  parameter int          OutputOffset   = 0,
  // Beats that the output queue holds; at least 2, and the latency + 1 for one beat per cycle.
  parameter int unsigned QueueDepth     = 4,
  // "block" or "distributed".
  parameter              MemoryKind     = "distributed",
  // File of the threshold memory: Words words.
  parameter              Thresholds     = "",
  // For a few words in LUTs of Xilinx devices, the same words as tables; see bnn_rom.
  parameter              ThresholdsLuts = 1'b0
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,
  input  wire [PE*InputBits-1:0]  s_tdata_i,
  input  wire                     s_tvalid_i,
  output wire                     s_tready_o,
  output wire [PE*OutputBits-1:0] m_tdata_o,
  output wire                     m_tvalid_o,
  input  wire                     m_tready_i
);

  if (PE < 1 || Words < 1 || InputBits < 1) begin : gen_check_sizes
    $error("bnn_threshold: PE, Words and InputBits must be at least 1");
  end

  wire has_room;
  wire take = s_tvalid_i & s_tready_o;
  assign s_tready_o = has_room;

  reg [PE*InputBits-1:0] data;
  always @(posedge clk_i) data <= s_tdata_i;

  wire [PE*OutputBits-1:0] result;
  wire                     result_valid;
  bnn_requantizer #(
    .Values(PE),
    .Rows(Rows),
    .Words(Words),
    .ValueBits(InputBits),
    .ValueSigned(InputSigned),
    .Levels(Levels),
    .Form(Requantizer),
    .ThresholdBits(ThresholdBits),
    .FactorBits(FactorBits),
    .SumBits(SumBits),
    .Shift(Shift),
    .Ties(Ties),
    .OutputBits(OutputBits),
    .OutputOffset(OutputOffset),
    .MemoryKind(MemoryKind),
    .File(Thresholds),
    .Luts(ThresholdsLuts)
  ) requantizer (
    .clk_i,
    .rst_ni,
    .announce_i(take),
    .values_i  (data),
    .results_o (result),
    .valid_o   (result_valid)
  );

  bnn_output_queue #(
    .Width(PE * OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(take),
    .data_i   (result),
    .valid_i  (result_valid),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
