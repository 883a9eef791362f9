// SPDX-License-Identifier: Apache-2.0
// Regroups the elements of a stream from InputLanes to OutputLanes per beat; neither need divide the other.
//
// Up by a whole ratio, beats are shifted into the output register; one that arrives while a complete word still waits there
// is held beside it. Down by a whole ratio, a beat stands still in a register, and a multiplexer fetches part after part:
// that takes a quarter of the LUTs of a shift register with parallel load. Other ratios need a shifter.
//
// READY follows from registers only. In each form InputLanes + OutputLanes - gcd(InputLanes, OutputLanes) + min(InputLanes,
// OutputLanes) elements find room, the least with which the slower side never waits.

`default_nettype none

module bnn_width_converter #(
  // Elements of an input beat; at least 1.
  parameter int unsigned InputLanes  = 2,
  // Elements of an output beat; at least 1.
  parameter int unsigned OutputLanes = 3,
  // Elements that neither side ever divides: the greatest common divisor of both numbers of lanes.
  parameter int unsigned GroupLanes  = 1,
  // Bits of an element; at least 1.
  parameter int unsigned ElementBits = 1
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
  if (GroupLanes < 1 || InputLanes % GroupLanes != 0 || OutputLanes % GroupLanes != 0) begin : gen_check_groups
    $error("bnn_width_converter: GroupLanes must be the greatest common divisor of InputLanes and OutputLanes");
  end

  // In groups of elements.
  localparam int unsigned In = InputLanes / GroupLanes;
  localparam int unsigned Out = OutputLanes / GroupLanes;
  localparam int unsigned GroupBits = GroupLanes * ElementBits;
  localparam int unsigned InBits = In * GroupBits;
  localparam int unsigned OutBits = Out * GroupBits;

  // Output beats that wait here; simulations count them.
  wire [31:0] waiting;
  wire unused = &{1'b0, waiting};

  if (In == 1) begin : gen_up
    localparam int unsigned CountBits = Out > 1 ? $clog2(Out) : 1;

    reg [OutBits-1:0]   word;
    reg                 complete;
    reg [CountBits-1:0] beats;
    reg [InBits-1:0]    spare;
    reg                 has_spare;

    wire offered   = s_tvalid_i | has_spare;
    wire shift     = offered & (~complete | m_tready_i);
    wire last_beat = beats == CountBits'(Out - 1);

    assign s_tready_o = ~has_spare;
    assign m_tvalid_o = complete;
    assign m_tdata_o  = word;
    assign waiting    = 32'(complete);

    always @(posedge clk_i) begin
      if (~has_spare) spare <= s_tdata_i;
      if (shift) begin
        word  <= OutBits'({has_spare ? spare : s_tdata_i, word} >> InBits);
        beats <= last_beat ? '0 : beats + 1'b1;
      end
      complete  <= (complete & ~m_tready_i) | (shift & last_beat);
      has_spare <= complete & ~m_tready_i & offered;
      if (!rst_ni) begin
        beats     <= '0;
        complete  <= 1'b0;
        has_spare <= 1'b0;
      end
    end
  end else if (Out == 1) begin : gen_down
    localparam int unsigned PartBits = $clog2(In + 1);

    // The part that comes next; In where the whole beat has been sent, or moved to the output register.
    reg [PartBits-1:0] part;
    reg [InBits-1:0]   beat;
    reg [OutBits-1:0]  m_tdata;
    reg                m_tvalid;

    wire empty = part == PartBits'(In);
    wire move  = ~m_tvalid | m_tready_i;
    // The first part of a beat that arrives passes as if it were one more part of the last one.
    wire [InBits+OutBits-1:0] parts = {s_tdata_i[OutBits-1:0], beat};

    assign s_tready_o = empty;
    assign m_tvalid_o = m_tvalid;
    assign m_tdata_o  = m_tdata;
    assign waiting    = 32'(m_tvalid) + (In - 32'(part));

    always @(posedge clk_i) begin
      if (empty) beat <= s_tdata_i;
      if (move) begin
        m_tdata  <= parts[32'(part)*OutBits+:OutBits];
        m_tvalid <= ~empty | s_tvalid_i;
      end
      if (empty ? s_tvalid_i : move) part <= empty ? PartBits'(move) : part + 1'b1;
      if (!rst_ni) begin
        part     <= PartBits'(In);
        m_tvalid <= 1'b0;
      end
    end
  end else begin : gen_shifter
    localparam int unsigned Room = Out - 1 + (In < Out ? In : Out);
    localparam int unsigned Capacity = Room + In;
    localparam int unsigned LevelBits = $clog2(Capacity + 1);

    // The oldest group is at the bottom; groups above the level are 0.
    reg [Capacity*GroupBits-1:0] groups;
    reg [LevelBits-1:0]          level;

    wire push = s_tvalid_i & s_tready_o;
    wire pop  = m_tvalid_o & m_tready_i;
    wire [LevelBits-1:0] left = pop ? level - LevelBits'(Out) : level;

    assign s_tready_o = level <= LevelBits'(Room);
    assign m_tvalid_o = level >= LevelBits'(Out);
    assign m_tdata_o  = groups[OutBits-1:0];
    assign waiting    = 32'(level) / Out;

    // The groups with the beat above them; where nothing arrives, what is above them is 0.
    reg [Capacity*GroupBits-1:0] arrived;
    integer b;
    always @* begin
      arrived = '0;
      if (push) arrived[InBits-1:0] = s_tdata_i;
      for (b = 0; b < LevelBits; b = b + 1) begin
        if (level[b]) arrived = arrived << (GroupBits << b);
      end
      arrived = arrived | groups;
    end

    always @(posedge clk_i) begin
      groups <= pop ? arrived >> OutBits : arrived;
      level  <= push ? left + LevelBits'(In) : left;
      if (!rst_ni) begin
        groups <= '0;
        level  <= '0;
      end
    end
  end

endmodule

`default_nettype wire
