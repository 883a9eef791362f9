// SPDX-License-Identifier: Apache-2.0
// A queue with ready/valid on both sides and registered outputs.
//
// Depth counts all beats held, including the one in the output register; 2 is the fewest that sustain one beat per cycle.
// A beat written in one cycle is visible in the next. A full queue is ready again one cycle after a beat has left: that
// cycle is the price of a READY that comes from a register, so that no path of back-pressure runs through a queue. A beat
// that finds the queue empty goes straight to the output register. Its copy in the slots is overwritten by a later one.

`default_nettype none

module bnn_fifo #(
  // Bits of a beat; at least 1.
  parameter int unsigned Width    = 8,
  // Beats held; at least 2.
  parameter int unsigned Depth    = 2,
  // 0, or 1 where a beat comes only when there is a place for it: the queue says that it is always ready.
  parameter int unsigned Reserved = 0
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Width-1:0] s_tdata_i,
  input  wire             s_tvalid_i,
  output wire             s_tready_o,
  output reg  [Width-1:0] m_tdata_o,
  output wire             m_tvalid_o,
  input  wire             m_tready_i
);

  if (Width < 1 || Depth < 2) begin : gen_check_sizes
    $error("bnn_fifo: Width must be at least 1, and Depth at least 2");
  end
  if (Reserved > 1) begin : gen_check_reserved
    $error("bnn_fifo: Reserved must be 0 or 1");
  end

  localparam int unsigned LevelBits = $clog2(Depth + 1);

  reg [LevelBits-1:0] level;

  wire push = s_tvalid_i & s_tready_o;
  wire pop  = m_tvalid_o & m_tready_i;
  assign m_tvalid_o = level != '0;

  always @(posedge clk_i) begin
    // One more or, all bits of the summand set, one less.
    if (push ^ pop) level <= level + {{(LevelBits - 1) {pop}}, 1'b1};
    if (!rst_ni) level <= '0;
  end

  if (Reserved != 0) begin : gen_always_ready
    assign s_tready_o = 1'b1;
  end else begin : gen_ready
    reg full;
    always @(posedge clk_i) begin
      if (push ^ pop) full <= push & (level == LevelBits'(Depth - 1));
      if (!rst_ni) full <= 1'b0;
    end
    assign s_tready_o = ~full;
  end

  // The beats behind the one in the output register: level - 1 of them, in Depth - 1 slots.

  localparam int unsigned Slots = Depth - 1;
  wire [Width-1:0] oldest;

  if (Slots <= 2) begin : gen_registers
    // The newest beat is in slot 0, and the slots move along. One LUT per bit chooses between three beats.
    reg [Slots*Width-1:0] slots;
    always @(posedge clk_i) begin
      if (push) slots <= (Slots*Width)'({slots, s_tdata_i});
    end
    assign oldest = level[0] && Slots > 1 ? slots[(Slots-1)*Width+:Width] : slots[Width-1:0];
  end else begin : gen_memory
    localparam int unsigned PointerBits = $clog2(Slots);
    // A LUT holds 16 or more slots in any case: with a power of two of them, the pointers need no comparison.
    localparam int unsigned LastSlot = Slots <= 16 ? 2 ** PointerBits - 1 : Slots - 1;
    localparam Wraps = LastSlot == 2 ** PointerBits - 1;

    (* ram_style = "distributed" *)
    reg [Width-1:0]       slots [0:LastSlot];
    reg [PointerBits-1:0] write_slot;
    reg [PointerBits-1:0] read_slot;
    always @(posedge clk_i) begin
      if (push) begin
        slots[write_slot] <= s_tdata_i;
        write_slot <= !Wraps && write_slot == PointerBits'(LastSlot) ? '0 : write_slot + 1'b1;
      end
      if (pop) read_slot <= !Wraps && read_slot == PointerBits'(LastSlot) ? '0 : read_slot + 1'b1;
      if (!rst_ni) begin
        // The slot of the first beat, and that of the beat behind it.
        write_slot <= '0;
        read_slot  <= PointerBits'(1);
      end
    end
    assign oldest = slots[read_slot];
  end

  always @(posedge clk_i) begin
    if (m_tready_i | ~m_tvalid_o) m_tdata_o <= level > LevelBits'(1) ? oldest : s_tdata_i;
  end

endmodule

`default_nettype wire
