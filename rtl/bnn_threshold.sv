// SPDX-License-Identifier: Apache-2.0
// Element-wise thresholds: for each element, the number of its channel's thresholds that it reaches; PE elements per cycle.
//
// A word of the memory holds a row for each of PE channels, the first in the lowest bits; bnn_comparators says what is in
// a row. A place in the output queue is reserved when a beat enters, so the pipeline never stalls and READY comes from a
// counter.

`default_nettype none

module bnn_threshold #(
  // Elements per cycle; at least 1.
  parameter int unsigned PE             = 1,
  // Words of the threshold memory, at least 1: the channels of a pixel come in Words groups of PE.
  parameter int unsigned Words          = 1,
  // 0, or 1 where one row serves all channels; then Words is 1.
  parameter int unsigned Shared         = 0,
  // Bits of an element; at least 1.
  parameter int unsigned InputBits      = 8,
  // 0: elements and thresholds are unsigned; 1: two's complement.
  parameter int unsigned InputSigned    = 0,
  // Thresholds of a channel; at least 1.
  parameter int unsigned Levels         = 1,
  // Bits of a threshold; at least InputBits.
  parameter int unsigned ThresholdBits  = 9,
  // Bits of a result, at least 1; results are exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits     = 1,
  // Added to the count; any integer.
  parameter int          OutputOffset   = 0,
  // Beats that the output queue holds; at least 2, and 4 for one beat per cycle.
  parameter int unsigned QueueDepth     = 4,
  // "block" or "distributed".
  parameter              MemoryKind     = "distributed",
  // File of the threshold memory: Words words.
  parameter              Thresholds     = ""
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
  if (Shared > 1 || (Shared == 1 && Words != 1)) begin : gen_check_shared
    $error("bnn_threshold: Shared must be 0, or 1 with one word");
  end

  localparam int unsigned RowBits = Levels * ThresholdBits + 1;
  localparam int unsigned Channels = Shared != 0 ? 1 : PE;
  localparam int unsigned AddressBits = Words > 1 ? $clog2(Words) : 1;
  localparam [AddressBits-1:0] LastWord = AddressBits'(Words - 1);

  reg [AddressBits-1:0] address;

  wire has_room;
  wire take = s_tvalid_i & s_tready_o;
  assign s_tready_o = has_room;

  always @(posedge clk_i) begin
    if (take) address <= (address == LastWord) ? '0 : address + 1'b1;
    if (!rst_ni) address <= '0;
  end

  wire [Channels*RowBits-1:0] word;
  bnn_rom #(
    .Width(Channels * RowBits),
    .Words(Words),
    .AddressBits(AddressBits),
    .Kind(MemoryKind),
    .File(Thresholds)
  ) thresholds (
    .clk_i,
    .address_i(address),
    .data_o(word)
  );

  reg  [PE*InputBits-1:0]  data;
  wire [PE*OutputBits-1:0] reached;
  for (genvar p = 0; p < PE; p = p + 1) begin : gen_channel
    localparam int unsigned Row = Shared != 0 ? 0 : p;
    bnn_comparators #(
      .ValueBits(InputBits),
      .ValueSigned(InputSigned),
      .Levels(Levels),
      .ThresholdBits(ThresholdBits),
      .Constant(Words == 1 ? 1 : 0),
      .OutputBits(OutputBits),
      .OutputOffset(OutputOffset)
    ) comparators (
      .value_i(data[p*InputBits+:InputBits]),
      .row_i  (word[Row*RowBits+:RowBits]),
      .count_o(reached[p*OutputBits+:OutputBits])
    );
  end

  reg                     entered;
  reg [PE*OutputBits-1:0] count;
  reg                     counted;
  always @(posedge clk_i) begin
    data    <= s_tdata_i;
    entered <= take & rst_ni;
    count   <= reached;
    counted <= entered & rst_ni;
  end

  bnn_output_queue #(
    .Width(PE * OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(take),
    .data_i   (count),
    .valid_i  (counted),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
