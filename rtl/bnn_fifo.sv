// SPDX-License-Identifier: Apache-2.0
// A queue with ready/valid on both sides and registered outputs.
//
// Depth counts all beats held, including the one in the output register; 2 is the fewest that sustain one beat per cycle.
// A beat written in one cycle is visible in the next. A full queue is ready again one cycle after a beat has left: that
// cycle is the price of a READY that comes from a register, so that no path of back-pressure runs through a queue. A beat
// that finds the queue empty goes straight to the output register.
//
// A beat that goes straight to the output register costs a multiplexer for each bit. With more Stages, all beats take the same
// way: 2, through a LUT memory and the output register; 3, through a block RAM, its own register and the output register. Then
// a beat written is visible so many cycles later; beats on their way count as held.
//
// With one stage, there are two forms of the same machine. In a short queue, beats that go straight to the output register are copied to the
// slots as well, to be overwritten by later ones: then each side has one enable. In a long queue, Yosys needs fewer LUTs where
// only beats that wait move the pointers.
//
// In simulation under BNN_MONITOR, +NAME=BEATS makes the FIFO of this hierarchical name less deep: one build serves many depths.

`default_nettype none

module bnn_fifo #(
  // Bits of a beat; at least 1.
  parameter int unsigned Width    = 8,
  // Beats held; at least 2, and one more than Stages, which sustains one beat per cycle.
  parameter int unsigned Depth    = 2,
  // Cycles from a beat's arrival until it is visible: 1, 2 or 3; see above.
  parameter int unsigned Stages   = 1,
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
  if (Stages < 1 || Stages > 3 || Depth <= Stages) begin : gen_check_stages
    $error("bnn_fifo: Stages must be 1, 2 or 3, and Depth more than that");
  end
  if (Reserved > 1) begin : gen_check_reserved
    $error("bnn_fifo: Reserved must be 0 or 1");
  end

  // The registers hold the other beats.
  localparam int unsigned Slots = Stages == 3 ? Depth - 2 : Depth - 1;
  localparam int unsigned LevelBits = $clog2(Depth + 1);
  localparam int unsigned PointerBits = Slots > 1 ? $clog2(Slots) : 1;

  localparam [LevelBits-1:0] One = LevelBits'(1);
`ifdef BNN_MONITOR
  reg [LevelBits-1:0] Full = LevelBits'(Depth);
  initial if ($value$plusargs($sformatf("%m=%%d"), Full)) begin end
`else
  localparam [LevelBits-1:0] Full = LevelBits'(Depth);
`endif

  // Beats that are visible, or wait for those that are. With more stages, this is for those who watch a simulation.
  /* verilator lint_off UNUSEDSIGNAL */
  reg [LevelBits-1:0] level;
  /* verilator lint_on UNUSEDSIGNAL */
  reg full;

  wire push = s_tvalid_i & s_tready_o;
  wire pop  = m_tvalid_o & m_tready_i;

  assign s_tready_o = Reserved != 0 || ~full;

  if (Stages > 1) begin : gen_stages
    localparam [PointerBits-1:0] LastSlot = PointerBits'(Slots - 1);

    reg [PointerBits-1:0] write_slot;
    reg [PointerBits-1:0] read_slot;
    reg [LevelBits-1:0]   held;
    reg [LevelBits-1:0]   stored;
    reg                   valid;
    reg [Stages-2:0]      arriving;

    // The output register takes the next beat, and the memory gives the next one.
    wire move = ~valid | m_tready_i;
    wire fetch;
    wire read = fetch & (stored != '0);

    assign m_tvalid_o = valid;

    always @(posedge clk_i) begin
      if (push) write_slot <= (write_slot == LastSlot) ? '0 : write_slot + 1'b1;
      if (read) read_slot <= (read_slot == LastSlot) ? '0 : read_slot + 1'b1;
      if (push ^ read) stored <= stored + {{(LevelBits - 1) {read}}, 1'b1};
      if (push ^ pop) begin
        held <= held + {{(LevelBits - 1) {pop}}, 1'b1};
        full <= push & (held == Full - One);
      end
      arriving <= (Stages - 1)'({arriving, push});
      level    <= level + LevelBits'(arriving[Stages-2]) - LevelBits'(pop);
      if (!rst_ni) begin
        write_slot <= '0;
        read_slot  <= '0;
        stored     <= '0;
        held       <= '0;
        full       <= 1'b0;
        arriving   <= '0;
        level      <= '0;
      end
    end

    if (Stages == 2) begin : gen_lut_memory
      (* ram_style = "distributed" *)
      reg [Width-1:0] slots [0:Slots-1];
      assign fetch = move;
      always @(posedge clk_i) begin
        if (push) slots[write_slot] <= s_tdata_i;
        if (move) begin
          m_tdata_o <= slots[read_slot];
          valid     <= read;
        end
        if (!rst_ni) valid <= 1'b0;
      end
    end else begin : gen_block_memory
      // A slot is never read and written at once, but for one whose word is not used.
      (* ram_style = "block", no_rw_check *)
      reg [Width-1:0] slots [0:Slots-1];
      reg [Width-1:0] word;
      reg             fetched;
      assign fetch = ~fetched | move;
      always @(posedge clk_i) begin
        if (push) slots[write_slot] <= s_tdata_i;
        if (fetch) begin
          word    <= slots[read_slot];
          fetched <= read;
        end
        if (move) begin
          m_tdata_o <= word;
          valid     <= fetched;
        end
        if (!rst_ni) begin
          fetched <= 1'b0;
          valid   <= 1'b0;
        end
      end
    end
  end else if (Depth > 64) begin : gen_long
    assign m_tvalid_o = level != '0;

    localparam [PointerBits-1:0] LastSlot = PointerBits'(Slots - 1);

    (* ram_style = "distributed" *)
    reg [Width-1:0]       slots [0:Slots-1];
    reg [PointerBits-1:0] write_slot;
    reg [PointerBits-1:0] read_slot;

    wire refill_from_slots = pop & (level > One);
    wire straight          = push & ((level == '0) | (pop & (level == One)));

    always @(posedge clk_i) begin
      if (push & ~straight) begin
        slots[write_slot] <= s_tdata_i;
        write_slot <= (write_slot == LastSlot) ? '0 : write_slot + 1'b1;
      end
      if (straight) m_tdata_o <= s_tdata_i;
      if (refill_from_slots) begin
        m_tdata_o <= slots[read_slot];
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
  end else begin : gen_short
    // The output register holds a beat whenever there is one, so slots hold level - 1 beats.
    assign m_tvalid_o = level != '0;
    wire [Width-1:0] oldest;

    always @(posedge clk_i) begin
      if (push ^ pop) begin
        // One more or, all bits of the summand set, one less.
        level <= level + {{(LevelBits - 1) {pop}}, 1'b1};
        full  <= push & (level == Full - One);
      end
      if (m_tready_i | ~m_tvalid_o) m_tdata_o <= level > One ? oldest : s_tdata_i;
      if (!rst_ni) begin
        level <= '0;
        full  <= 1'b0;
      end
    end

    if (Slots <= 2) begin : gen_registers
      // The newest beat is in slot 0, and the slots move along. One LUT per bit chooses between three beats.
      reg [Slots*Width-1:0] slots;
      always @(posedge clk_i) begin
        if (push) slots <= (Slots*Width)'({slots, s_tdata_i});
      end
      assign oldest = level[0] && Slots > 1 ? slots[(Slots-1)*Width+:Width] : slots[Width-1:0];
    end else begin : gen_memory
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
  end

endmodule

`default_nettype wire
