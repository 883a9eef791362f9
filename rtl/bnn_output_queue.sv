// SPDX-License-Identifier: Apache-2.0
// The end of a pipeline that never stalls: a queue, and a count of the places in it that are free and not reserved.
//
// A unit starts a result only while room_o is high, reserves a place for it with reserve_i, and delivers it with valid_i
// whenever it has passed through the pipeline. So no register of the pipeline needs an enable, and room_o comes from a
// counter. A place is reserved from the start of a result until the result has left: to start one every cycle, Depth must
// be the pipeline's latency plus 1.
//
// Of two results, one waits for the other. If it can do so where it comes from, an output register is enough, and its data need
// no logic.

`default_nettype none

module bnn_output_queue #(
  // Bits of a beat; at least 1.
  parameter int unsigned Width = 8,
  // Beats held; at least 2.
  parameter int unsigned Depth = 2,
  // 0, or 1 where data_i stays as it is until the next valid_i: of two beats held, one is there.
  parameter int unsigned Held  = 0
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  output wire             room_o,
  input  wire             reserve_i,
  input  wire [Width-1:0] data_i,
  input  wire             valid_i,
  output wire [Width-1:0] m_tdata_o,
  output wire             m_tvalid_o,
  input  wire             m_tready_i
);

  if (Width < 1 || Depth < 2) begin : gen_check_sizes
    $error("bnn_output_queue: Width must be at least 1, and Depth (QueueDepth of the unit around it) at least 2");
  end
  if (Held > 1) begin : gen_check_held
    $error("bnn_output_queue: Held must be 0 or 1");
  end

  localparam int unsigned CreditBits = $clog2(Depth + 1);

  wire pop = m_tvalid_o & m_tready_i;

  reg [CreditBits-1:0] credits;
  assign room_o = credits != '0;

  // Beats that wait, for those who watch a simulation: nothing here depends on it.
  /* verilator lint_off UNUSEDSIGNAL */
  reg [CreditBits-1:0] level;
  /* verilator lint_on UNUSEDSIGNAL */

  always @(posedge clk_i) begin
    credits <= credits + CreditBits'(pop) - CreditBits'(reserve_i);
    level   <= level + CreditBits'(valid_i) - CreditBits'(pop);
    if (!rst_ni) begin
      credits <= CreditBits'(Depth);
      level   <= '0;
    end
  end

  if (Depth == 2 && Held != 0) begin : gen_register
    reg [Width-1:0] data;
    reg             full;
    // The result at data_i waits for the one in the register.
    reg             waiting;

    wire move = ~full | m_tready_i;

    always @(posedge clk_i) begin
      if (move) begin
        data <= data_i;
        full <= valid_i | waiting;
      end
      waiting <= (valid_i | waiting) & ~move;
      if (!rst_ni) begin
        full    <= 1'b0;
        waiting <= 1'b0;
      end
    end

    assign m_tdata_o  = data;
    assign m_tvalid_o = full;
  end else begin : gen_queue
    wire ready;
    bnn_fifo #(
      .Width(Width),
      .Depth(Depth),
      .Reserved(1)
    ) queue (
      .clk_i,
      .rst_ni,
      .s_tdata_i (data_i),
      .s_tvalid_i(valid_i),
      .s_tready_o(ready),
      .m_tdata_o,
      .m_tvalid_o,
      .m_tready_i
    );

    // A place was reserved, so the queue is always ready.
    wire unused = &{1'b0, ready};
  end

endmodule

`default_nettype wire
