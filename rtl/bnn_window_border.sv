// SPDX-License-Identifier: Apache-2.0
// Which pixels of a sliding window's step lie outside the image, for pixels on a grid of rows and columns.
//
// A row is compared for all pixels in it, and so is a column.

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

  wire [TapRows-1:0]    row_outside;
  wire [TapColumns-1:0] column_outside;

  // A row of windows ends with its last window, so rows look at the loops around those that columns look at.
  bnn_window_axis #(
    .Extent(Rows),
    .Pad(PadTop),
    .Taps(TapRows),
    .TapStep(TapRowStep),
    .KernelStep(KernelRowStep),
    .WindowStep(WindowRowStep),
    .Last(LastRow)
  ) rows (
    .clk_i,
    .rst_ni,
    .step_i,
    .advance_i(ends_i[1]),
    .return_i (ends_i[2]),
    .shift_i  (ends_i[3]),
    .restart_i(ends_i[4]),
    .outside_o(row_outside)
  );

  bnn_window_axis #(
    .Extent(Columns),
    .Pad(PadLeft),
    .Taps(TapColumns),
    .TapStep(TapColumnStep),
    .KernelStep(KernelColumnStep),
    .WindowStep(WindowColumnStep),
    .Last(LastColumn)
  ) columns (
    .clk_i,
    .rst_ni,
    .step_i,
    .advance_i(ends_i[0]),
    .return_i (ends_i[1]),
    .shift_i  (ends_i[2]),
    .restart_i(ends_i[3]),
    .outside_o(column_outside)
  );

  for (genvar r = 0; r < TapRows; r = r + 1) begin : gen_outside
    always @(posedge clk_i) outside_o[r*TapColumns+:TapColumns] <= column_outside | {TapColumns{row_outside[r]}};
  end

endmodule

`default_nettype wire
