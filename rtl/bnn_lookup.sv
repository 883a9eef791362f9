// SPDX-License-Identifier: Apache-2.0
// A function of every element, from a table; PE elements a cycle.
//
// Each element of a beat has a table of its own. Where one function serves all channels that is logic: synthesis makes of
// it as little as the function allows. Where channels differ it has the tables of its Groups channels one after the other.
// Room in the output queue is reserved when a beat is taken, so READY comes from a counter.

`default_nettype none

module bnn_lookup #(
  // Elements a cycle.
  parameter int unsigned PE         = 1,
  parameter int unsigned InputBits  = 8,
  parameter int unsigned OutputBits = 8,
  // Beats that the output queue holds.
  parameter int unsigned QueueDepth = 3,
  // Beats after which the channels come again; 0: one table serves all.
  parameter int unsigned Groups     = 0,
  // Of several tables: "block", or "distributed".
  parameter              MemoryKind = "distributed",
  // File of the one table: a word for each code of the input.
  parameter              Table      = "",
  // Files of several, up to the number of the lane, three digits: for each group a word for each code.
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

  reg  taken;
  wire has_room;
  wire take = s_tvalid_i & s_tready_o;
  assign s_tready_o = has_room;

  always @(posedge clk_i) taken <= take & rst_ni;

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
    .valid_i  (taken),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
