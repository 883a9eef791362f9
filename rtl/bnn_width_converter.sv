// SPDX-License-Identifier: Apache-2.0
// Regroups the elements of a stream from InputLanes to OutputLanes per beat; neither need divide the other.
//
// Elements wait in one buffer, the oldest at the bottom. A beat is taken while there is room for it and offered while there
// are enough elements for it; both follow from the registered number of elements held, so READY does not depend on the
// consumer's READY. With a Capacity of InputLanes + OutputLanes - gcd(InputLanes, OutputLanes) + min(InputLanes,
// OutputLanes), the slower side never waits; that is the least for which this holds.

`default_nettype none

module bnn_width_converter #(
  // Elements of an input beat; at least 1.
  parameter int unsigned InputLanes  = 2,
  // Elements of an output beat; at least 1.
  parameter int unsigned OutputLanes = 3,
  // Bits of an element; at least 1.
  parameter int unsigned ElementBits = 1,
  // Elements held; at least InputLanes + OutputLanes, and see above.
  parameter int unsigned Capacity    = 6
) (
  input  wire                               clk_i,
  input  wire                               rst_ni,
  input  wire [InputLanes*ElementBits-1:0]  s_tdata_i,
  input  wire                               s_tvalid_i,
  output wire                               s_tready_o,
  output wire [OutputLanes*ElementBits-1:0] m_tdata_o,
  output wire                               m_tvalid_o,
  input  wire                               m_tready_i
);

  if (InputLanes < 1 || OutputLanes < 1 || ElementBits < 1) begin : gen_check_sizes
    $error("bnn_width_converter: InputLanes, OutputLanes and ElementBits must be at least 1");
  end
  if (Capacity < InputLanes + OutputLanes) begin : gen_check_capacity
    $error("bnn_width_converter: Capacity must be at least InputLanes + OutputLanes");
  end

  localparam int unsigned LevelBits = $clog2(Capacity + 1);
  localparam [LevelBits-1:0] In  = LevelBits'(InputLanes);
  localparam [LevelBits-1:0] Out = LevelBits'(OutputLanes);
  localparam [LevelBits-1:0] Room = LevelBits'(Capacity - InputLanes);

  reg [Capacity*ElementBits-1:0] elements;
  reg [LevelBits-1:0]            level;

  wire push = s_tvalid_i & s_tready_o;
  wire pop  = m_tvalid_o & m_tready_i;
  // Where the next input beat goes, once the output beat has left.
  wire [LevelBits-1:0] base = pop ? level - Out : level;

  // Its first bit there. The multiple is written as a sum of shifted numbers so that no tool infers a multiplier.
  function automatic [31:0] first_bit(input [LevelBits-1:0] element);
    integer b;
    begin
      first_bit = '0;
      for (b = 0; b < 32; b = b + 1) begin
        if (ElementBits[b]) first_bit = first_bit + (32'(element) << b);
      end
    end
  endfunction

  assign s_tready_o = level <= Room;
  assign m_tvalid_o = level >= Out;
  assign m_tdata_o  = elements[OutputLanes*ElementBits-1:0];

  always @(posedge clk_i) begin
    if (pop) elements <= elements >> (OutputLanes * ElementBits);
    // Elements above the level are never read before they are written, so they need no reset.
    if (push) elements[first_bit(base)+:InputLanes*ElementBits] <= s_tdata_i;
    level <= push ? base + In : base;
    if (!rst_ni) level <= '0;
  end

endmodule

`default_nettype wire
