// SPDX-License-Identifier: Apache-2.0
// A pixel of each step of a sliding window, or a part of its channels, read from a copy of the line buffer.
//
// The line buffer is a ring of beats of InputUnits units, each as much of a pixel as is read. From a step to the next, the place
// grows by a number of beats and a number of units, all modulo the ring. The unit's number in its beat runs one step ahead, so
// that its carry into the number of the beat comes from a register.

`default_nettype none

module bnn_window_tap #(
  // Bits of a unit; at least 1.
  parameter int unsigned Width       = 8,
  // Units of a beat; at least 1.
  parameter int unsigned InputUnits  = 1,
  // Beats of the ring; at least 1. With a power of two, addresses need no comparison.
  parameter int unsigned Slots       = 16,
  // Bits of an address; at least 1, and enough.
  parameter int unsigned AddressBits = 4,
  // Bits of the number of a unit in its beat; at least 1, and enough.
  parameter int unsigned LaneBits    = 1,
  // Beat and unit of the first step, and the units of the step that follows it; less than Slots and than InputUnits.
  parameter int unsigned FirstBeat   = 0,
  parameter int unsigned FirstUnit   = 0,
  parameter int unsigned FirstStep   = 0,
  // 1, or 0 if all steps are whole beats.
  parameter int unsigned Moves       = 0,
  // 0, or 1 for a register behind the memory, for block RAM, whose output is late.
  parameter int unsigned ReadStages  = 0,
  // "block" or "distributed".
  parameter              MemoryKind  = "distributed"
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  input  wire                         write_i,
  input  wire [AddressBits-1:0]       write_address_i,
  input  wire [InputUnits*Width-1:0]  beat_i,
  // The present step takes place.
  input  wire                         step_i,
  // Beats from the present step's unit to the next one's; the same less Slots.
  input  wire [AddressBits-1:0]       beats_i,
  input  wire [AddressBits:0]         beats_less_i,
  // Units from the next step's unit to the one after it.
  input  wire [LaneBits-1:0]          next_units_i,
  // The unit, 1 + ReadStages cycles after its step.
  output wire [Width-1:0]             pixel_o
);

  if (Width < 1 || InputUnits < 1 || Slots < 1 || AddressBits < 1 || LaneBits < 1) begin : gen_check_sizes
    $error("bnn_window_tap: Width, InputUnits, Slots, AddressBits and LaneBits must be at least 1");
  end
  if (AddressBits < $clog2(Slots) || LaneBits < $clog2(InputUnits)) begin : gen_check_bits
    $error("bnn_window_tap: AddressBits must hold Slots - 1, LaneBits InputUnits - 1");
  end
  if (FirstBeat >= Slots || FirstUnit >= InputUnits || FirstStep >= InputUnits || Moves > 1) begin : gen_check_first
    $error("bnn_window_tap: FirstBeat must be less than Slots, FirstUnit and FirstStep less than InputUnits, Moves 0 or 1");
  end
  if (ReadStages > 1) begin : gen_check_stages
    $error("bnn_window_tap: ReadStages (of the unit around it) must be 0 or 1");
  end

  // Only what is read is stored.
  localparam int unsigned Stored = Moves != 0 ? InputUnits * Width : Width;
  wire [Stored-1:0] stored;
  wire [Stored-1:0] read;
  wire              carry;

  if (Moves != 0) begin : gen_lanes
    localparam [LaneBits:0] Lanes = (LaneBits+1)'(InputUnits);
    localparam int unsigned Second = FirstUnit + FirstStep;
    reg  [LaneBits-1:0] lane;
    reg  [LaneBits-1:0] next_lane;
    reg  [LaneBits-1:0] chosen;
    wire [LaneBits-1:0] choice;
    reg                 carries;
    wire [LaneBits:0]   sum = {1'b0, next_lane} + {1'b0, next_units_i};
    wire                wraps = sum >= Lanes;
    always @(posedge clk_i) begin
      chosen <= lane;
      if (step_i) begin
        lane      <= next_lane;
        next_lane <= LaneBits'(wraps ? sum - Lanes : sum);
        carries   <= wraps;
      end
      if (!rst_ni) begin
        lane      <= LaneBits'(FirstUnit);
        next_lane <= LaneBits'(Second % InputUnits);
        carries   <= Second >= InputUnits;
      end
    end
    if (ReadStages != 0) begin : gen_late_choice
      reg [LaneBits-1:0] kept;
      always @(posedge clk_i) kept <= chosen;
      assign choice = kept;
    end else begin : gen_choice
      assign choice = chosen;
    end
    assign carry = carries;
    assign stored = beat_i;
    assign pixel_o = read[choice*Width+:Width];
  end else begin : gen_lane
    wire unused = &{1'b0, next_units_i, beat_i};
    assign carry = 1'b0;
    assign stored = beat_i[FirstUnit*Width+:Width];
    assign pixel_o = read;
  end

  reg  [AddressBits-1:0] address;
  wire [AddressBits-1:0] next_address;
  if (Slots == 2 ** AddressBits) begin : gen_power_of_two
    assign next_address = address + beats_i + AddressBits'(carry);
    wire unused_less = &{1'b0, beats_less_i};
  end else begin : gen_any_number
    // Both at the same time, then one of them.
    wire [AddressBits:0] sum = {1'b0, address} + {1'b0, beats_i} + (AddressBits+1)'(carry);
    wire [AddressBits:0] less = {1'b0, address} + beats_less_i + (AddressBits+1)'(carry);
    assign next_address = less[AddressBits] ? sum[AddressBits-1:0] : less[AddressBits-1:0];
    wire unused_sum = sum[AddressBits];
  end
  always @(posedge clk_i) begin
    if (step_i) address <= next_address;
    if (!rst_ni) address <= AddressBits'(FirstBeat);
  end

  bnn_line_memory #(
    .Width(Stored),
    .Words(Slots),
    .AddressBits(AddressBits),
    .Kind(MemoryKind),
    .Stages(1 + ReadStages)
  ) line (
    .clk_i,
    .write_i,
    .write_address_i,
    .data_i   (stored),
    .address_i(address),
    .data_o   (read)
  );

endmodule

`default_nettype wire
