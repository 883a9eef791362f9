// A pipeline that never stalls and its queue: one result, any one, leaves in its place as it was made, and none is late.

module proof #(
  parameter int unsigned Depth = 2, Latency = 2, Steps = 1, Held = 1
) (
  input wire clk, d, may_go, r, mark,
  output wire bad, read, full
);
  reg rst_n = 0;
  always @(posedge clk) rst_n <= 1;

  wire last_step, room, mv, md;
  wire go = rst_n & may_go & (~last_step | room);
  bnn_steps #(
    .Passes(1),
    .Steps(Steps)
  ) steps (
    .clk_i      (clk),
    .rst_ni     (rst_n),
    .go_i       (go),
    .last_step_o(last_step)
  );
  wire push = go & last_step;

  // A result stays until the next one.
  reg [Latency-1:0] valid = 0, data;
  reg result, has_result = 0;
  always @(posedge clk) begin
    valid <= {valid, push};
    data <= {data, d};
    has_result <= valid[Latency-1] & rst_n;
    if (valid[Latency-1]) result <= data[Latency-1];
    if (!rst_n) valid <= 0;
  end
  bnn_output_queue #(
    .Width(1),
    .Depth(Depth),
    .Held(Held)
  ) dut (
    .clk_i     (clk),
    .rst_ni    (rst_n),
    .room_o    (room),
    .reserve_i (push),
    .data_i    (result),
    .valid_i   (has_result),
    .m_tdata_o (md),
    .m_tvalid_o(mv),
    .m_tready_i(r)
  );

  // Results that have been started and have not left; those before the marked one.
  reg [3:0] owed = 0, ahead = 0, stuck = 0;
  reg marked = 0, gone = 0, value = 0, was = 0, kept = 0;
  wire pop = rst_n & mv & r;
  wire hit = pop & marked & ~gone & ahead == 0;
  always @(posedge clk) if (rst_n) begin
    owed <= owed + push - pop;
    if (push & mark & ~marked) begin
      marked <= 1;
      value <= d;
      ahead <= owed - pop;
    end else if (hit) gone <= 1;
    else if (pop & marked & ~gone) ahead <= ahead - 1;
    was <= mv & ~r;
    kept <= md;
    stuck <= owed != 0 & ~mv ? stuck + 1 : 0;
  end

  wire wrong = (hit & md != value) | (was & (~mv | md != kept)) | (mv & owed == 0);
  assign bad = rst_n & (wrong | owed > Depth | (room != (owed < Depth)) | stuck > Latency + 2);
  assign full = rst_n & ~room;
  assign read = rst_n & gone;
endmodule
