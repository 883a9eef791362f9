// SPDX-License-Identifier: Apache-2.0
// Which rows of a sliding window's step lie above or below the image, or which of its columns on the left or on the right.
//
// Places count from the first row or column that any window touches.

`default_nettype none

module bnn_window_axis #(
  // Rows of the image; at least 1.
  parameter int unsigned Extent     = 4,
  // Rows above the image that windows touch; 0 or more.
  parameter int unsigned Pad        = 1,
  // Rows of a step, and the distance between them; at least 1.
  parameter int unsigned Taps       = 1,
  parameter int unsigned TapStep    = 1,
  // Distances from a step to the next in the kernel, and from a window to the next; at least 1.
  parameter int unsigned KernelStep = 1,
  parameter int unsigned WindowStep = 1,
  // The last row of a step's first pixel.
  parameter int unsigned Last       = 5
) (
  input  wire            clk_i,
  input  wire            rst_ni,
  // The present step takes place.
  input  wire            step_i,
  // The next one is at the kernel's next row; at its first row; in the next row of windows; in the first. Each of them but the
  // first only with the one before it.
  input  wire            advance_i,
  input  wire            return_i,
  input  wire            shift_i,
  input  wire            restart_i,
  // For the present step's rows.
  output wire [Taps-1:0] outside_o
);

  if (Extent < 1 || Taps < 1 || TapStep < 1 || KernelStep < 1 || WindowStep < 1) begin : gen_check_sizes
    $error("bnn_window_axis: Extent (Rows and Columns of the unit around it), Taps and all steps must be at least 1");
  end

  // It holds one step more than the last place, and the end of the image.
  localparam int unsigned End = Last + KernelStep + WindowStep;
  localparam int unsigned Bits = $clog2((End > Pad + Extent ? End : Pad + Extent) + 1);

  // Of the step's first pixel, and of its window's.
  reg  [Bits-1:0] place;
  reg  [Bits-1:0] start;
  wire [Bits-1:0] next_start = restart_i ? '0 : shift_i ? start + Bits'(WindowStep) : start;

  always @(posedge clk_i) begin
    if (step_i) begin
      if (advance_i) place <= return_i ? next_start : place + Bits'(KernelStep);
      if (shift_i) start <= next_start;
    end
    if (!rst_ni) begin
      place <= '0;
      start <= '0;
    end
  end

  for (genvar t = 0; t < Taps; t = t + 1) begin : gen_tap
    localparam int Inside = int'(Pad) - int'(t * TapStep);
    localparam int Behind = Inside + int'(Extent);
    wire in_front;
    wire behind;
    if (Inside > 0) begin : gen_in_front
      assign in_front = place < Bits'(Inside);
    end else begin : gen_not_in_front
      assign in_front = 1'b0;
    end
    if (Behind <= 0) begin : gen_all_behind
      assign behind = 1'b1;
    end else if (int'(Last) >= Behind) begin : gen_behind
      assign behind = place >= Bits'(Behind);
    end else begin : gen_not_behind
      assign behind = 1'b0;
    end
    assign outside_o[t] = in_front | behind;
  end

endmodule

`default_nettype wire
