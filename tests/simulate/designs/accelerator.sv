// Two queues one behind the other. What is wrong with it is chosen by parameters, at the top of the file by tests:
//
//   `WIDTH       bits of a beat, of 8 to the byte
//   `BEATS       beats of a frame
//   `TLAST       beats after which tlast is raised
//   `STOP_AFTER  beats after which the second queue is fed no more; 0 for never
//   `TREMBLE     1: the output's beats change while they wait

`default_nettype none

module accelerator (
  input  wire              aclk,
  input  wire              aresetn,
  input  wire [`WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output wire              s_axis_tready,
  output wire [`WIDTH-1:0] m_axis_tdata,
  output wire              m_axis_tvalid,
  input  wire              m_axis_tready,
  output wire              m_axis_tlast
);

  wire [`WIDTH-1:0] inner_data;
  wire              inner_valid;
  wire              inner_ready;
  wire [`WIDTH-1:0] output_data;
  wire              queue_ready;
  wire [31:0]       inner_level;
  wire [31:0]       output_level;

  reg [31:0] passed;
  reg [31:0] beat;
  reg        tremble;
  wire       open = `STOP_AFTER == 0 || passed != `STOP_AFTER;

  tiny_queue #(.Width(`WIDTH)) first (
    .clk_i(aclk), .rst_ni(aresetn),
    .s_tdata_i(s_axis_tdata), .s_tvalid_i(s_axis_tvalid), .s_tready_o(s_axis_tready),
    .m_tdata_o(inner_data), .m_tvalid_o(inner_valid), .m_tready_i(inner_ready), .level_o(inner_level)
  );
  assign inner_ready = queue_ready & open;
  tiny_queue #(.Width(`WIDTH)) second (
    .clk_i(aclk), .rst_ni(aresetn),
    .s_tdata_i(inner_data), .s_tvalid_i(inner_valid & open), .s_tready_o(queue_ready),
    .m_tdata_o(output_data), .m_tvalid_o(m_axis_tvalid), .m_tready_i(m_axis_tready), .level_o(output_level)
  );
  assign m_axis_tdata = output_data ^ `WIDTH'(tremble);
  assign m_axis_tlast = beat == `TLAST - 1;

  always @(posedge aclk) begin
    if (inner_valid & inner_ready) passed <= passed + 1;
    if (m_axis_tvalid & m_axis_tready) beat <= m_axis_tlast ? 0 : beat + 1;
    tremble <= `TREMBLE & ~tremble;
    if (!aresetn) begin
      passed  <= 0;
      beat    <= 0;
      tremble <= 0;
    end
  end

`ifdef BNN_MONITOR
  bnn_stream_monitor #(.Name("inner"), .Width(`WIDTH)) monitor_inner (
    .clk_i(aclk), .rst_ni(aresetn), .valid_i(inner_valid), .ready_i(inner_ready),
    .data_i(inner_data), .level_i(inner_level)
  );
  bnn_stream_monitor #(.Name("result"), .Width(`WIDTH)) monitor_result (
    .clk_i(aclk), .rst_ni(aresetn), .valid_i(m_axis_tvalid), .ready_i(m_axis_tready),
    .data_i(m_axis_tdata), .level_i(output_level)
  );
`endif

endmodule

`default_nettype wire
