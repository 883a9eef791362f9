// SPDX-License-Identifier: Apache-2.0
// Adds two streams element by element, each multiplied by a constant; PE elements per cycle.
//
// A beat of each is taken in the same cycle, so each READY depends on the other stream's VALID, which comes from a register.
// All arithmetic is modulo a power of two that is no less than that of the result, so the result is exact in its own bits.

`default_nettype none

module bnn_add #(
  // Elements per cycle; at least 1.
  parameter int unsigned PE            = 1,
  // Bits of an element of the first stream; at least 1.
  parameter int unsigned InputBits0    = 1,
  // 1: its elements are -1 and +1, stored as 0 and 1 in one bit; else 0.
  parameter int unsigned InputBipolar0 = 1,
  // 0: its other elements are unsigned; 1: two's complement.
  parameter int unsigned InputSigned0  = 0,
  // Its constant; any integer.
  parameter int          Factor0       = 1,
  // The same of the second stream.
  parameter int unsigned InputBits1    = 1,
  parameter int unsigned InputBipolar1 = 1,
  parameter int unsigned InputSigned1  = 0,
  parameter int          Factor1       = 1,
  // Bits of a result, at least 1: enough for the sums that occur.
  parameter int unsigned OutputBits    = 3,
  // Beats that the output queue holds; at least 2, and 3 for one beat per cycle.
  parameter int unsigned QueueDepth    = 3
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,
  input  wire [PE*InputBits0-1:0] s0_tdata_i,
  input  wire                     s0_tvalid_i,
  output wire                     s0_tready_o,
  input  wire [PE*InputBits1-1:0] s1_tdata_i,
  input  wire                     s1_tvalid_i,
  output wire                     s1_tready_o,
  output wire [PE*OutputBits-1:0] m_tdata_o,
  output wire                     m_tvalid_o,
  input  wire                     m_tready_i
);

  if (PE < 1 || InputBits0 < 1 || InputBits1 < 1 || OutputBits < 1) begin : gen_check_sizes
    $error("bnn_add: PE, InputBits0, InputBits1 and OutputBits must be at least 1");
  end
  if (InputBipolar0 > 1 || InputSigned0 > 1 || InputBipolar1 > 1 || InputSigned1 > 1) begin : gen_check_flags
    $error("bnn_add: InputBipolar0, InputSigned0, InputBipolar1 and InputSigned1 must be 0 or 1");
  end
  if ((InputBipolar0 == 1 && InputBits0 != 1) || (InputBipolar1 == 1 && InputBits1 != 1)) begin : gen_check_bipolar
    $error("bnn_add: inputs of -1 and +1 have 1 bit");
  end

  // The result may have fewer bits than its terms.
  localparam int unsigned WiderInput = InputBits0 > InputBits1 ? InputBits0 : InputBits1;
  localparam int unsigned Bits = OutputBits > WiderInput ? OutputBits : WiderInput;
  // A multiple is a sum of shifted elements, which no tool takes for a multiplier; its sign makes the addition a subtraction.
  localparam [Bits-1:0] Magnitude0 = Factor0 < 0 ? Bits'(-Factor0) : Bits'(Factor0);
  localparam [Bits-1:0] Magnitude1 = Factor1 < 0 ? Bits'(-Factor1) : Bits'(Factor1);

  wire has_room;
  assign s0_tready_o = has_room & s1_tvalid_i;
  assign s1_tready_o = has_room & s0_tvalid_i;
  wire go = has_room & s0_tvalid_i & s1_tvalid_i;

  reg [PE*OutputBits-1:0] result;
  reg                     sent;

  integer p;
  integer b;
  reg [Bits-1:0] element;
  reg [Bits-1:0] term0;
  reg [Bits-1:0] term1;
  reg [Bits-1:0] sum;
  /* verilator lint_off BLKSEQ */
  always @(posedge clk_i) begin
    for (p = 0; p < PE; p = p + 1) begin
      element = {Bits{(InputSigned0 != 0) & s0_tdata_i[(p+1)*InputBits0-1]}};
      element[InputBits0-1:0] = s0_tdata_i[p*InputBits0+:InputBits0];
      term0 = '0;
      for (b = 0; b < Bits; b = b + 1) begin
        if (Magnitude0[b]) term0 = term0 + (element << b);
      end
      if (InputBipolar0 != 0) term0 = s0_tdata_i[p*InputBits0] ? Magnitude0 : -Magnitude0;
      element = {Bits{(InputSigned1 != 0) & s1_tdata_i[(p+1)*InputBits1-1]}};
      element[InputBits1-1:0] = s1_tdata_i[p*InputBits1+:InputBits1];
      term1 = '0;
      for (b = 0; b < Bits; b = b + 1) begin
        if (Magnitude1[b]) term1 = term1 + (element << b);
      end
      if (InputBipolar1 != 0) term1 = s1_tdata_i[p*InputBits1] ? Magnitude1 : -Magnitude1;
      sum = Factor0 < 0 ? -term0 : term0;
      if (Factor1 < 0) sum = sum - term1;
      else sum = sum + term1;
      result[p*OutputBits+:OutputBits] <= OutputBits'(sum);
    end
    sent <= go & rst_ni;
  end
  /* verilator lint_on BLKSEQ */

  bnn_output_queue #(
    .Width(PE * OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(go),
    .data_i   (result),
    .valid_i  (sent),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
