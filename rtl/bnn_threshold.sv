// SPDX-License-Identifier: Apache-2.0
// Element-wise thresholds: counts, for each of PE channels a cycle, how many thresholds the element reaches.
//
// A channel's threshold memory word holds Levels thresholds, the lowest first, then one direction bit: 0 counts x >= T
// (increasing), 1 counts x < T (decreasing). Room in the output queue is reserved when a beat is taken, so the pipeline
// never stalls and READY comes from a counter.

`default_nettype none

module bnn_threshold #(
  // Channels a cycle.
  parameter int unsigned PE             = 1,
  // Words of the threshold memory; the channels of a frame's pixel come in Words groups of PE.
  parameter int unsigned Words          = 1,
  // 1: one word of one channel serves all channels.
  parameter int unsigned Shared         = 0,
  parameter int unsigned InputBits      = 8,
  parameter int unsigned InputSigned    = 0,
  // Thresholds of a channel.
  parameter int unsigned Levels         = 1,
  parameter int unsigned ThresholdBits  = 9,
  parameter int unsigned OutputBits     = 1,
  // Added to the count.
  parameter int          OutputOffset   = 0,
  // Beats that the output queue holds.
  parameter int unsigned QueueDepth     = 4,
  // "block" or "distributed".
  parameter              MemoryKind     = "distributed",
  // File of the threshold memory.
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

  localparam int unsigned ChannelBits = Levels * ThresholdBits + 1;
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

  wire [Channels*ChannelBits-1:0] word;
  bnn_rom #(
    .Width(Channels * ChannelBits),
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
      .OutputBits(OutputBits),
      .OutputOffset(OutputOffset)
    ) comparators (
      .value_i(data[p*InputBits+:InputBits]),
      .row_i  (word[Row*ChannelBits+:ChannelBits]),
      .count_o(reached[p*OutputBits+:OutputBits])
    );
  end

  reg                     taken;
  reg [PE*OutputBits-1:0] count;
  reg                     counted;
  always @(posedge clk_i) begin
    data    <= s_tdata_i;
    taken   <= take & rst_ni;
    count   <= reached;
    counted <= taken & rst_ni;
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
