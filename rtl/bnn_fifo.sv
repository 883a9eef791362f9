// SPDX-License-Identifier: Apache-2.0
// A queue with ready/valid on both sides and registered outputs.
//
// Depth counts all beats held, including the one in the output register; 2 is the fewest that sustain one beat per cycle.
// A beat written in one cycle is visible in the next. A full queue is ready again one cycle after a beat has left: that
// cycle is the price of a READY that comes from a register, so that no path of back-pressure runs through a queue. A beat
// that finds the queue empty goes straight to the output register.

`default_nettype none

module bnn_fifo #(
  // Bits of a beat; at least 1.
  parameter int unsigned Width = 8,
  // Beats held; at least 2.
  parameter int unsigned Depth = 2
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Width-1:0] s_tdata_i,
  input  wire             s_tvalid_i,
  output wire             s_tready_o,
  output wire [Width-1:0] m_tdata_o,
  output wire             m_tvalid_o,
  input  wire             m_tready_i
);

  if (Width < 1 || Depth < 2) begin : gen_check_sizes
    $error("bnn_fifo: Width must be at least 1, and Depth at least 2");
  end

  localparam int unsigned Slots = Depth - 1;
  localparam int unsigned PointerBits = Slots > 1 ? $clog2(Slots) : 1;
  localparam int unsigned LevelBits = $clog2(Depth + 1);

  localparam [PointerBits-1:0] LastSlot = PointerBits'(Slots - 1);
  localparam [LevelBits-1:0] Full = LevelBits'(Depth);
  localparam [LevelBits-1:0] One = LevelBits'(1);

  (* ram_style = "distributed" *)
  reg [Width-1:0]       slots [0:Slots-1];
  reg [PointerBits-1:0] write_slot;
  reg [PointerBits-1:0] read_slot;
  reg [LevelBits-1:0]   level;
  reg [Width-1:0]       out_data;
  reg                   full;

  wire push = s_tvalid_i & s_tready_o;
  wire pop  = m_tvalid_o & m_tready_i;
  // The output register holds a beat whenever there is one, so slots hold level - 1 beats.
  wire refill_from_slots = pop & (level > One);
  wire straight          = push & ((level == '0) | (pop & (level == One)));

  assign s_tready_o = ~full;
  assign m_tvalid_o = level != '0;
  assign m_tdata_o  = out_data;

  always @(posedge clk_i) begin
    if (push & ~straight) begin
      slots[write_slot] <= s_tdata_i;
      write_slot <= (write_slot == LastSlot) ? '0 : write_slot + 1'b1;
    end
    if (straight) out_data <= s_tdata_i;
    if (refill_from_slots) begin
      out_data  <= slots[read_slot];
      read_slot <= (read_slot == LastSlot) ? '0 : read_slot + 1'b1;
    end
    if (push & ~pop) begin
      level <= level + One;
      full  <= level == Full - One;
    end
    if (pop & ~push) begin
      level <= level - One;
      full  <= 1'b0;
    end
    if (!rst_ni) begin
      write_slot <= '0;
      read_slot  <= '0;
      level      <= '0;
      full       <= 1'b0;
    end
  end

endmodule

`default_nettype wire
