// SPDX-License-Identifier: Apache-2.0
// The loops of a sliding window: over the beats of a pixel, kernel columns, kernel rows, columns and rows of windows.
//
// The counters run one step ahead of the unit. So what depends on the loops that end with a step comes from registers when
// the step takes place, and no comparison lies between a step and what it changes.

`default_nettype none

module bnn_window_loops #(
  // Beats of a pixel, beats of a kernel row, rows of a window that have beats of their own; all at least 1.
  parameter int unsigned Chunks        = 1,
  parameter int unsigned KernelColumns = 3,
  parameter int unsigned KernelRows    = 3,
  // Windows of a row that have beats of their own, and rows of windows; at least 1.
  parameter int unsigned WindowColumns = 2,
  parameter int unsigned WindowRows    = 2,
  // Bits of the number of a window in its row, and of a row's number; at least 1, and enough.
  parameter int unsigned ColumnBits    = 1,
  parameter int unsigned RowBits       = 1,
  // Inputs of the family's LUTs: 6 or 4.
  parameter int unsigned LutInputs     = 6
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // The present step takes place.
  input  wire                  step_i,
  // The present step is a window's first one.
  output reg                   first_o,
  // Whether the present step is the last of its pixel, kernel row, window, row of windows, frame; each implies those below.
  output reg  [4:0]            ends_o,
  // The same of the next step, and its window.
  output wire [4:0]            next_ends_o,
  output wire [ColumnBits-1:0] next_column_o,
  output wire [RowBits-1:0]    next_row_o
);

  if (Chunks < 1 || KernelColumns < 1 || KernelRows < 1 || WindowColumns < 1 || WindowRows < 1) begin : gen_check_loops
    $error("bnn_window_loops: Chunks, KernelColumns, KernelRows, WindowColumns and WindowRows must be at least 1");
  end
  if (ColumnBits < 1 || RowBits < 1 || ColumnBits < $clog2(WindowColumns) || RowBits < $clog2(WindowRows)) begin : gen_check_bits
    $error("bnn_window_loops: ColumnBits and RowBits must be at least 1 and hold the last window of a row and the last row");
  end

  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned KernelColumnBits = KernelColumns > 1 ? $clog2(KernelColumns) : 1;
  localparam int unsigned KernelRowBits = KernelRows > 1 ? $clog2(KernelRows) : 1;

  reg [ChunkBits-1:0]        chunk;
  reg [KernelColumnBits-1:0] kernel_column;
  reg [KernelRowBits-1:0]    kernel_row;
  reg [ColumnBits-1:0]       column;
  reg [RowBits-1:0]          row;

  wire ends_pixel      = chunk == ChunkBits'(Chunks - 1);
  wire ends_kernel_row = ends_pixel & (kernel_column == KernelColumnBits'(KernelColumns - 1));
  wire ends_window     = ends_kernel_row & (kernel_row == KernelRowBits'(KernelRows - 1));
  wire ends_row        = ends_window & (column == ColumnBits'(WindowColumns - 1));
  wire ends_frame      = ends_row & (row == RowBits'(WindowRows - 1));

  wire [ChunkBits-1:0]  next_chunk;
  wire [ColumnBits-1:0] column_behind;
  wire [RowBits-1:0]    row_behind;
  bnn_increment #(.Width(ChunkBits), .LutInputs(LutInputs)) chunk_increment (.value_i(chunk), .next_o(next_chunk));
  bnn_increment #(.Width(ColumnBits), .LutInputs(LutInputs)) column_increment (.value_i(column), .next_o(column_behind));
  bnn_increment #(.Width(RowBits), .LutInputs(LutInputs)) row_increment (.value_i(row), .next_o(row_behind));

  assign next_ends_o   = {ends_frame, ends_row, ends_window, ends_kernel_row, ends_pixel};
  assign next_column_o = column;
  assign next_row_o    = row;

  // What ends with the very first step.
  localparam [4:0] FirstEnds = {
    Chunks * KernelColumns * KernelRows * WindowColumns * WindowRows == 1,
    Chunks * KernelColumns * KernelRows * WindowColumns == 1,
    Chunks * KernelColumns * KernelRows == 1,
    Chunks * KernelColumns == 1,
    Chunks == 1
  };

  always @(posedge clk_i) begin
    if (step_i) begin
      first_o <= ends_o[2];
      ends_o  <= next_ends_o;
      chunk   <= ends_pixel ? '0 : next_chunk;
      if (ends_pixel) kernel_column <= ends_kernel_row ? '0 : kernel_column + 1'b1;
      if (ends_kernel_row) kernel_row <= ends_window ? '0 : kernel_row + 1'b1;
      if (ends_window) column <= ends_row ? '0 : column_behind;
      if (ends_row) row <= ends_frame ? '0 : row_behind;
    end
    if (!rst_ni) begin
      first_o       <= 1'b1;
      ends_o        <= FirstEnds;
      // The second step.
      chunk         <= ChunkBits'(!FirstEnds[0]);
      kernel_column <= KernelColumnBits'(FirstEnds[0] && !FirstEnds[1]);
      kernel_row    <= KernelRowBits'(FirstEnds[1] && !FirstEnds[2]);
      column        <= ColumnBits'(FirstEnds[2] && !FirstEnds[3]);
      row           <= RowBits'(FirstEnds[3] && !FirstEnds[4]);
    end
  end

endmodule

`default_nettype wire
