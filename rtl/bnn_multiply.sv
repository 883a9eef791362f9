// SPDX-License-Identifier: Apache-2.0
// Multiplies two streams element by element; PE elements per cycle.
//
// A beat of each is taken in the same cycle, so each READY depends on the other stream's VALID, which comes from a register.
// The product is registered twice, so that a DSP slice can absorb both registers.

`default_nettype none

module bnn_multiply #(
  // Elements per cycle; at least 1.
  parameter int unsigned PE            = 1,
  // Bits of an element of the first stream; at least 1.
  parameter int unsigned InputBits0    = 1,
  // 1: its elements are -1 and +1, stored as 0 and 1 in one bit; else 0.
  parameter int unsigned InputBipolar0 = 1,
  // 0: its other elements are unsigned; 1: two's complement.
  parameter int unsigned InputSigned0  = 0,
  // The same of the second stream.
  parameter int unsigned InputBits1    = 1,
  parameter int unsigned InputBipolar1 = 1,
  parameter int unsigned InputSigned1  = 0,
  // Bits of a result, at least 1: enough for the products that occur. Where both streams are -1 and +1, so is the result: 1.
  parameter int unsigned OutputBits    = 1,
  // Beats that the output queue holds; at least 2, and 4 for one beat per cycle.
  parameter int unsigned QueueDepth    = 4
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
    $error("bnn_multiply: PE, InputBits0, InputBits1 and OutputBits must be at least 1");
  end
  if (InputBipolar0 > 1 || InputSigned0 > 1 || InputBipolar1 > 1 || InputSigned1 > 1) begin : gen_check_flags
    $error("bnn_multiply: InputBipolar0, InputSigned0, InputBipolar1 and InputSigned1 must be 0 or 1");
  end
  if ((InputBipolar0 == 1 && InputBits0 != 1) || (InputBipolar1 == 1 && InputBits1 != 1)) begin : gen_check_bipolar
    $error("bnn_multiply: inputs of -1 and +1 have 1 bit");
  end
  if (InputBipolar0 == 1 && InputBipolar1 == 1 && OutputBits != 1) begin : gen_check_output
    $error("bnn_multiply: products of -1 and +1 have 1 bit");
  end

  // Factors as signed numbers: -1 and +1 take two bits, unsigned ones a bit more than they have.
  localparam int unsigned Bits0 = (InputSigned0 != 0) ? InputBits0 : InputBits0 + 1;
  localparam int unsigned Bits1 = (InputSigned1 != 0) ? InputBits1 : InputBits1 + 1;
  // The result may have more bits than a product has, or fewer.
  localparam int unsigned Bits = (OutputBits > Bits0 + Bits1) ? OutputBits : Bits0 + Bits1;
  localparam bit IsBipolar = (InputBipolar0 != 0) & (InputBipolar1 != 0);

  wire has_room;
  assign s0_tready_o = has_room & s1_tvalid_i;
  assign s1_tready_o = has_room & s0_tvalid_i;
  wire go = has_room & s0_tvalid_i & s1_tvalid_i;

  reg [PE*OutputBits-1:0] product;
  reg [PE*OutputBits-1:0] result;
  reg                     multiplied;
  reg                     sent;

  integer p;
  reg signed [Bits0-1:0] factor0;
  reg signed [Bits1-1:0] factor1;
  reg signed [Bits-1:0]  whole;
  /* verilator lint_off BLKSEQ */
  always @(posedge clk_i) begin
    for (p = 0; p < PE; p = p + 1) begin
      factor0 = '0;
      factor0[InputBits0-1:0] = s0_tdata_i[p*InputBits0+:InputBits0];
      if (InputBipolar0 != 0) factor0 = s0_tdata_i[p*InputBits0] ? Bits0'(1) : '1;
      factor1 = '0;
      factor1[InputBits1-1:0] = s1_tdata_i[p*InputBits1+:InputBits1];
      if (InputBipolar1 != 0) factor1 = s1_tdata_i[p*InputBits1] ? Bits1'(1) : '1;
      whole = Bits'(factor0) * Bits'(factor1);
      product[p*OutputBits+:OutputBits] <= IsBipolar ? OutputBits'(~whole[Bits-1]) : OutputBits'(whole);
    end
    result     <= product;
    multiplied <= go & rst_ni;
    sent       <= multiplied & rst_ni;
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
