// SPDX-License-Identifier: Apache-2.0
// A function of every element, read from a table; PE elements per cycle.
//
// Each of the PE lanes has a memory of its own, as all are read at once. Where one function serves all channels, it is
// logic, which synthesis reduces to what the function needs. Where channels differ, a lane's memory holds the tables of
// its Groups channels one after the other. A place in the output queue is reserved when a beat enters, so the pipeline
// never stalls and READY comes from a counter.

`default_nettype none

module bnn_lookup #(
  // Elements per cycle, at least 1; at most 1,000 where Groups is not 0.
  parameter int unsigned PE         = 1,
  // Bits of an element; 1 to 24.
  parameter int unsigned InputBits  = 8,
  // Bits of a result; at least 1.
  parameter int unsigned OutputBits = 8,
  // Beats that the output queue holds; at least 2, and 3 for one beat per cycle.
  parameter int unsigned QueueDepth = 3,
  // Beats of a pixel, after which the first channels come again; 0: one table serves all channels.
  parameter int unsigned Groups     = 0,
  // Where Groups is not 0: "block" or "distributed".
  parameter              MemoryKind = "distributed",
  // Where Groups is 0, the file of the table: a word for each code of an element.
  parameter              Table      = "",
  // Else the start of the files' names; the lane's number in three digits and ".mem" follow. For each group a word for each
  // code.
  parameter              Tables     = ""
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

  if (PE < 1 || InputBits < 1 || InputBits > 24 || OutputBits < 1) begin : gen_check_sizes
    $error("bnn_lookup: PE and OutputBits must be at least 1, and InputBits 1 to 24");
  end
  if (Groups > 0 && PE > 1000) begin : gen_check_lanes
    $error("bnn_lookup: with a table for each channel, PE must be at most 1000");
  end

  reg  entered;
  wire has_room;
  wire take = s_tvalid_i & s_tready_o;
  assign s_tready_o = has_room;

  always @(posedge clk_i) entered <= take & rst_ni;

  wire [PE*OutputBits-1:0] results;
  if (Groups == 0) begin : gen_shared
    wire unused_files = Tables == "" && MemoryKind == "";
    for (genvar p = 0; p < PE; p = p + 1) begin : gen_lane
      bnn_rom #(
        .Width(OutputBits),
        .Words(1 << InputBits),
        .AddressBits(InputBits),
        .Kind("distributed"),
        .File(Table)
      ) rom (
        .clk_i,
        .address_i(s_tdata_i[p*InputBits+:InputBits]),
        .data_o(results[p*OutputBits+:OutputBits])
      );
    end
  end else begin : gen_channels
    localparam int unsigned GroupBits = Groups > 1 ? $clog2(Groups) : 1;
    localparam int unsigned AddressBits = Groups > 1 ? GroupBits + InputBits : InputBits;
    wire unused_file = Table == "";
    wire [GroupBits-1:0] group;
    if (Groups > 1) begin : gen_group
      localparam [GroupBits-1:0] LastGroup = GroupBits'(Groups - 1);
      reg [GroupBits-1:0] count;
      always @(posedge clk_i) begin
        if (take) count <= (count == LastGroup) ? '0 : count + 1'b1;
        if (!rst_ni) count <= '0;
      end
      assign group = count;
    end else begin : gen_one
      assign group = '0;
      wire unused_group = |group;
    end
    for (genvar p = 0; p < PE; p = p + 1) begin : gen_lane
      // "007.mem": ASCII digits begin at 48.
      localparam [7*8-1:0] Suffix = {8'(48 + p / 100), 8'(48 + p / 10 % 10), 8'(48 + p % 10), ".mem"};
      wire [AddressBits-1:0] address;
      assign address[InputBits-1:0] = s_tdata_i[p*InputBits+:InputBits];
      if (Groups > 1) begin : gen_high
        assign address[AddressBits-1-:GroupBits] = group;
      end
      bnn_rom #(
        .Width(OutputBits),
        .Words(Groups << InputBits),
        .AddressBits(AddressBits),
        .Kind(MemoryKind),
        .File({Tables, Suffix})
      ) rom (
        .clk_i,
        .address_i(address),
        .data_o(results[p*OutputBits+:OutputBits])
      );
    end
  end

  bnn_output_queue #(
    .Width(PE * OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(take),
    .data_i   (results),
    .valid_i  (entered),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
