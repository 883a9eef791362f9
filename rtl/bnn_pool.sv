// SPDX-License-Identifier: Apache-2.0
// Pooling: reduces the Taps pixels of each window to one, PE channels a cycle.
//
// The pixels of a window come one after the other, each in Chunks beats of PE channels; an accumulator for each channel keeps the
// sum, the largest or the smallest so far, and the last pixel's beats send it. Codes of one bit compare as -1 and +1 do, so their
// largest is an OR and their smallest an AND.

`default_nettype none

module bnn_pool #(
  // Channels a cycle, and beats of a pixel.
  parameter int unsigned PE           = 1,
  parameter int unsigned Chunks       = 1,
  // Pixels of a window.
  parameter int unsigned Taps         = 4,
  parameter int unsigned InputBits    = 1,
  // 1: -1 and +1, stored as 0 and 1.
  parameter int unsigned InputBipolar = 1,
  parameter int unsigned InputSigned  = 0,
  // 1: a flag above the elements says that the beat lies outside the image; it does not count.
  parameter int unsigned Flags        = 0,
  // 1: sums; 0: the largest, or the smallest where the memory Smallest says so.
  parameter int unsigned Sum          = 0,
  parameter int unsigned OutputBits   = 1,
  // Beats that the output queue holds.
  parameter int unsigned QueueDepth   = 3,
  // File with a bit for each channel: 1 for the smallest.
  parameter              Smallest     = ""
) (
  input  wire                                     clk_i,
  input  wire                                     rst_ni,
  input  wire [PE*InputBits+(Flags!=0?1:0)-1:0]   s_tdata_i,
  input  wire                                     s_tvalid_i,
  output wire                                     s_tready_o,
  output wire [PE*OutputBits-1:0]                 m_tdata_o,
  output wire                                     m_tvalid_o,
  input  wire                                     m_tready_i
);

  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned TapBits = Taps > 1 ? $clog2(Taps) : 1;

  reg [ChunkBits-1:0] chunk;
  reg [TapBits-1:0]   tap;

  wire last_chunk = chunk == ChunkBits'(Chunks - 1);
  wire last_tap   = tap == TapBits'(Taps - 1);
  wire first_tap  = tap == '0;

  wire has_room;
  assign s_tready_o = ~last_tap | has_room;
  wire go = s_tvalid_i & s_tready_o;

  always @(posedge clk_i) begin
    if (go) begin
      chunk <= last_chunk ? '0 : chunk + 1'b1;
      if (last_chunk) tap <= last_tap ? '0 : tap + 1'b1;
    end
    if (!rst_ni) begin
      chunk <= '0;
      tap   <= '0;
    end
  end

  // A bit for each channel, read in the cycle in which it is needed.
  (* rom_style = "distributed" *)
  reg [PE-1:0] directions [0:Chunks-1];
  initial begin
    if (Smallest != "") $readmemh(Smallest, directions);
  end
  wire [PE-1:0] smallest = Sum != 0 ? '0 : directions[chunk];

  wire skip;
  if (Flags != 0) begin : gen_flag
    assign skip = s_tdata_i[PE*InputBits];
  end else begin : gen_no_flag
    assign skip = 1'b0;
  end

  // The neutral element of each: 0, the lowest or the highest code.
  localparam [OutputBits-1:0] LowestCode =
    Sum != 0 ? '0 : InputSigned != 0 ? {1'b1, {(OutputBits-1){1'b0}}} : '0;

  (* ram_style = "distributed" *)
  reg [PE*OutputBits-1:0] kept [0:Chunks-1];
  wire [PE*OutputBits-1:0] so_far = kept[chunk];
  reg  [PE*OutputBits-1:0] after;
  reg  [PE*OutputBits-1:0] result;
  reg                      sent;

  localparam SignBit = Sum != 0 ? InputSigned != 0 : 1'b0;
  integer p;
  reg [OutputBits-1:0] old;
  reg [OutputBits-1:0] element;
  reg                  is_less;
  always @* begin
    after = '0;
    for (p = 0; p < PE; p = p + 1) begin
      old = first_tap ? LowestCode ^ {OutputBits{smallest[p]}} : so_far[p*OutputBits+:OutputBits];
      element = {OutputBits{SignBit & s_tdata_i[(p+1)*InputBits-1]}};
      element[InputBits-1:0] = s_tdata_i[p*InputBits+:InputBits];
      // -1 and +1 as numbers.
      if (Sum != 0 && InputBipolar != 0) element = s_tdata_i[p] ? OutputBits'(1) : '1;
      // Order of the codes, signed ones with their sign bit turned.
      is_less = (element ^ LowestCode) < (old ^ LowestCode);
      if (skip) element = old;
      else if (Sum != 0) element = old + element;
      else if (is_less != smallest[p]) element = old;
      after[p*OutputBits+:OutputBits] = element;
    end
  end

  always @(posedge clk_i) begin
    if (go) kept[chunk] <= after;
    result <= after;
    sent   <= go & last_tap & rst_ni;
  end

  bnn_output_queue #(
    .Width(PE * OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(go & last_tap),
    .data_i   (result),
    .valid_i  (sent),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
