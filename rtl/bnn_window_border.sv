// SPDX-License-Identifier: Apache-2.0
// Which pixels of a sliding window's step lie outside the image, for pixels on a grid of rows and columns.
//
// Rows and columns count from the first one that any window touches. A row is compared for all pixels in it, and so is a
// column.

`default_nettype none

module bnn_window_border #(
  // Rows and columns of the image; at least 1.
  parameter int unsigned Rows          = 4,
  parameter int unsigned Columns       = 4,
  // Rows above the image and columns on its left that windows touch; 0 or more.
  parameter int unsigned PadTop        = 1,
  parameter int unsigned PadLeft       = 1,
  // Rows and columns of pixels of a step, and the distances between them; at least 1.
  parameter int unsigned TapRows       = 1,
  parameter int unsigned TapColumns    = 1,
  parameter int unsigned TapRowStep    = 1,
  parameter int unsigned TapColumnStep = 1,
  // Distances from a step to the next in the kernel, and from a window to the next; at least 1.
  parameter int unsigned KernelRowStep    = 1,
  parameter int unsigned KernelColumnStep = 1,
  parameter int unsigned WindowRowStep    = 1,
  parameter int unsigned WindowColumnStep = 1,
  // The last row and the last column of a step's first pixel.
  parameter int unsigned LastRow       = 5,
  parameter int unsigned LastColumn    = 5
) (
  input  wire                          clk_i,
  input  wire                          rst_ni,
  // The present step takes place; which loops it ends.
  input  wire                          step_i,
  input  wire [4:0]                    ends_i,
  // For the pixels, the first row lowest, a cycle after their step.
  output reg  [TapRows*TapColumns-1:0] outside_o
);

  if (Rows < 1 || Columns < 1 || TapRows < 1 || TapColumns < 1) begin : gen_check_sizes
    $error("bnn_window_border: Rows, Columns, TapRows and TapColumns must be at least 1");
  end
  if (TapRowStep < 1 || TapColumnStep < 1 || KernelRowStep < 1 || KernelColumnStep < 1 || WindowRowStep < 1 || WindowColumnStep < 1)
  begin : gen_check_steps
    $error("bnn_window_border: all steps must be at least 1");
  end

  // They hold one step more than the last place, and the last row and column of the image.
  localparam int unsigned RowEnd = LastRow + KernelRowStep + WindowRowStep;
  localparam int unsigned ColumnEnd = LastColumn + KernelColumnStep + WindowColumnStep;
  localparam int unsigned RowBits = $clog2((RowEnd > PadTop + Rows ? RowEnd : PadTop + Rows) + 1);
  localparam int unsigned ColumnBits = $clog2((ColumnEnd > PadLeft + Columns ? ColumnEnd : PadLeft + Columns) + 1);

  // Of the step's first pixel, and of its window's.
  reg [RowBits-1:0]    row;
  reg [RowBits-1:0]    top;
  reg [ColumnBits-1:0] column;
  reg [ColumnBits-1:0] left;
  wire [RowBits-1:0]    next_top  = ends_i[4] ? '0 : ends_i[3] ? top + RowBits'(WindowRowStep) : top;
  wire [ColumnBits-1:0] next_left = ends_i[3] ? '0 : left + ColumnBits'(WindowColumnStep);

  always @(posedge clk_i) begin
    if (step_i) begin
      if (ends_i[0]) column <= ends_i[1] ? left : column + ColumnBits'(KernelColumnStep);
      if (ends_i[1]) row <= row + RowBits'(KernelRowStep);
      if (ends_i[2]) begin
        left   <= next_left;
        column <= next_left;
        top    <= next_top;
        row    <= next_top;
      end
    end
    if (!rst_ni) begin
      row    <= '0;
      top    <= '0;
      column <= '0;
      left   <= '0;
    end
  end

  wire [TapRows-1:0] row_outside;
  for (genvar r = 0; r < TapRows; r = r + 1) begin : gen_row
    localparam int Begin = int'(PadTop) - int'(r * TapRowStep);
    localparam int End = Begin + int'(Rows);
    wire above;
    wire below;
    if (Begin > 0) begin : gen_above
      assign above = row < RowBits'(Begin);
    end else begin : gen_not_above
      assign above = 1'b0;
    end
    if (End <= 0) begin : gen_all_below
      assign below = 1'b1;
    end else if (int'(LastRow) >= End) begin : gen_below
      assign below = row >= RowBits'(End);
    end else begin : gen_not_below
      assign below = 1'b0;
    end
    assign row_outside[r] = above | below;
  end

  wire [TapColumns-1:0] column_outside;
  for (genvar c = 0; c < TapColumns; c = c + 1) begin : gen_column
    localparam int Begin = int'(PadLeft) - int'(c * TapColumnStep);
    localparam int End = Begin + int'(Columns);
    wire on_left;
    wire on_right;
    if (Begin > 0) begin : gen_left
      assign on_left = column < ColumnBits'(Begin);
    end else begin : gen_not_left
      assign on_left = 1'b0;
    end
    if (End <= 0) begin : gen_all_right
      assign on_right = 1'b1;
    end else if (int'(LastColumn) >= End) begin : gen_right
      assign on_right = column >= ColumnBits'(End);
    end else begin : gen_not_right
      assign on_right = 1'b0;
    end
    assign column_outside[c] = on_left | on_right;
  end

  for (genvar r = 0; r < TapRows; r = r + 1) begin : gen_outside
    always @(posedge clk_i) outside_o[r*TapColumns+:TapColumns] <= column_outside | {TapColumns{row_outside[r]}};
  end

endmodule

`default_nettype wire
