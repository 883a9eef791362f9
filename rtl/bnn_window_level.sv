// SPDX-License-Identifier: Apache-2.0
// How full the line buffer of a sliding window is: whether it takes a beat, and whether the next window's beats have arrived.
//
// Both are signs of counters: of the beats held minus the places, and of the beats that have arrived minus those that the
// window needs, both counted from the beginning. From a window to the next, the numbers of beats that are needed and that
// are released grow by steps. The steps come from tables: one for windows of the same row, in which rows with the same
// steps share their entries, and one for the last windows of the rows.

`default_nettype none

module bnn_window_level #(
  // Places for beats; at least 1.
  parameter int unsigned Depth         = 16,
  // Windows (or groups of them) of a row, and rows; at least 1.
  parameter int unsigned WindowColumns = 2,
  parameter int unsigned WindowRows    = 2,
  // Bits of the number of a window in its row, and of a row's number; at least 1, and enough.
  parameter int unsigned ColumnBits    = 1,
  parameter int unsigned RowBits       = 1,
  // Beats that the first window needs; at least 1, at most Depth.
  parameter int unsigned FirstNeed     = 11,
  // Kinds of rows, and bits of the number of a kind; at least 1.
  parameter int unsigned RowKinds      = 1,
  parameter int unsigned KindBits      = 1,
  // For each row, the first lowest, its kind.
  parameter [WindowRows*KindBits-1:0] RowKind = '0,
  // From a window to the next one of its row, for each kind 2 ** ColumnBits pairs, or one pair that serves all: from the least
  // significant bit, how many more beats are needed, and how many released.
  parameter int unsigned ColumnEntries = 1,
  parameter int unsigned ColumnStepBits = 1,
  parameter [ColumnEntries*2*ColumnStepBits-1:0] ColumnSteps = '1,
  // The same from the last window of each row.
  parameter int unsigned RowStepBits   = 4,
  parameter [WindowRows*2*RowStepBits-1:0] RowSteps = 'hBB33
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // A beat arrives; only while ready_o is high.
  input  wire                  write_i,
  // The last step of the present window takes place, or another step.
  input  wire                  last_i,
  input  wire                  step_i,
  // The window of the step after this one, and whether it is the last of its row.
  input  wire [ColumnBits-1:0] next_column_i,
  input  wire [RowBits-1:0]    next_row_i,
  input  wire                  next_ends_row_i,
  output wire                  ready_o,
  output wire                  enough_o
);

  if (Depth < 1 || FirstNeed < 1 || FirstNeed > Depth || WindowColumns < 1 || WindowRows < 1) begin : gen_check_sizes
    $error("bnn_window_level: Depth, WindowColumns and WindowRows must be at least 1, FirstNeed between 1 and Depth");
  end
  if (ColumnBits < 1 || RowBits < 1 || ColumnBits < $clog2(WindowColumns) || RowBits < $clog2(WindowRows)) begin : gen_check_bits
    $error("bnn_window_level: ColumnBits and RowBits must be at least 1 and hold the last window of a row and the last row");
  end
  if (RowKinds < 1 || KindBits < 1 || KindBits < $clog2(RowKinds) || ColumnStepBits < 1 || RowStepBits < 1) begin : gen_check_steps
    $error("bnn_window_level: RowKinds, KindBits and the bits of steps must be at least 1, and KindBits enough for RowKinds");
  end
  if (ColumnEntries != 1 && ColumnEntries != RowKinds << ColumnBits) begin : gen_check_entries
    $error("bnn_window_level: ColumnEntries must be 1 or RowKinds times 2 ** ColumnBits");
  end

  // Of the counters, which lie between -Depth and Depth.
  localparam int unsigned Bits = $clog2(Depth + 1) + 1;
  localparam int unsigned ColumnPair = 2 * ColumnStepBits;
  localparam int unsigned RowPair = 2 * RowStepBits;

  wire [ColumnPair-1:0] column_pair;
  if (ColumnEntries == 1) begin : gen_even
    assign column_pair = ColumnSteps;
    wire unused_column = &{1'b0, next_column_i};
  end else begin : gen_table
`ifdef YOSYS
    (* rom_style = "logic" *)
`else
    (* rom_style = "distributed" *)
`endif
    reg [ColumnPair-1:0] pairs [0:ColumnEntries-1];
    integer c;
    initial for (c = 0; c < ColumnEntries; c = c + 1) pairs[c] = ColumnSteps[c*ColumnPair+:ColumnPair];
    if (RowKinds == 1) begin : gen_one_kind
      assign column_pair = pairs[next_column_i];
    end else begin : gen_kinds
`ifdef YOSYS
      (* rom_style = "logic" *)
`else
      (* rom_style = "distributed" *)
`endif
      reg [KindBits-1:0] kinds [0:WindowRows-1];
      integer k;
      initial for (k = 0; k < WindowRows; k = k + 1) kinds[k] = RowKind[k*KindBits+:KindBits];
      assign column_pair = pairs[{kinds[next_row_i], next_column_i}];
    end
  end

`ifdef YOSYS
  (* rom_style = "logic" *)
`else
  (* rom_style = "distributed" *)
`endif
  reg [RowPair-1:0] row_pairs [0:WindowRows-1];
  integer r;
  initial for (r = 0; r < WindowRows; r = r + 1) row_pairs[r] = RowSteps[r*RowPair+:RowPair];
  wire [RowPair-1:0] row_pair = row_pairs[next_row_i];

  // The first window's entry is the first of its kind's, or of the rows'.
  localparam int unsigned FirstEntry = ColumnEntries == 1 ? 0 : int'(RowKind[KindBits-1:0]) << ColumnBits;
  localparam [ColumnPair-1:0] FirstColumnPair = ColumnSteps[FirstEntry*ColumnPair+:ColumnPair];
  localparam [Bits-1:0] FirstMore =
    WindowColumns == 1 ? Bits'(RowSteps[RowStepBits-1:0]) : Bits'(FirstColumnPair[ColumnStepBits-1:0]);
  localparam [Bits-1:0] FirstReleased =
    WindowColumns == 1 ? Bits'(RowSteps[RowPair-1:RowStepBits]) : Bits'(FirstColumnPair[ColumnPair-1:ColumnStepBits]);

  wire [Bits-1:0] more = next_ends_row_i ? Bits'(row_pair[RowStepBits-1:0]) : Bits'(column_pair[ColumnStepBits-1:0]);
  wire [Bits-1:0] released =
    next_ends_row_i ? Bits'(row_pair[RowPair-1:RowStepBits]) : Bits'(column_pair[ColumnPair-1:ColumnStepBits]);

  // Less by the steps that follow the present window.
  reg [Bits-1:0] less_more;
  reg [Bits-1:0] less_released;

  // Differences, since Yosys drops a minus in front of a cast.
  localparam [Bits-1:0] NoneArrived = Bits'(0) - Bits'(FirstNeed);
  localparam [Bits-1:0] NoneHeld = Bits'(0) - Bits'(Depth);
  reg [Bits-1:0] ahead;  // beats that have arrived, minus those that the present window needs
  reg [Bits-1:0] taken;  // beats held, minus Depth
  assign enough_o = ~ahead[Bits-1];
  assign ready_o  = taken[Bits-1];

  always @(posedge clk_i) begin
    ahead <= ahead + (last_i ? less_more : '0) + Bits'(write_i);
    taken <= taken + (last_i ? less_released : '0) + Bits'(write_i);
    if (step_i) begin
      less_more     <= -more;
      less_released <= -released;
    end
    if (!rst_ni) begin
      ahead         <= NoneArrived;
      taken         <= NoneHeld;
      less_more     <= -FirstMore;
      less_released <= -FirstReleased;
    end
  end

endmodule

`default_nettype wire
