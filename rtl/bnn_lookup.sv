// SPDX-License-Identifier: Apache-2.0
// The same function of every element, from a table; PE elements a cycle.
//
// Each element has a table of its own, as logic: synthesis makes of it as little as the function allows. Room in the
// output queue is reserved when a beat is taken, so READY comes from a counter.

`default_nettype none

module bnn_lookup #(
  // Elements a cycle.
  parameter int unsigned PE         = 1,
  parameter int unsigned InputBits  = 8,
  parameter int unsigned OutputBits = 8,
  // Beats that the output queue holds.
  parameter int unsigned QueueDepth = 3,
  // File of the table: a word for each code of the input.
  parameter              Table      = ""
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
