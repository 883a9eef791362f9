// SPDX-License-Identifier: Apache-2.0
// The sum of two numbers and a carry on the carry chain of a device whose tables have four inputs, combinational; the first
// number is the OR of two.
//
// Chains begin with a constant: a position of its own brings the carry in, and one behind the last the carry out. The OR costs
// nothing on ECP5, where a position has a table of its own for what is added.

`default_nettype none

module bnn_chain_adder #(
  // Bits of the numbers; at least 1.
  parameter int unsigned Width     = 4,
  // 1: carry_i is used; else 0.
  parameter int unsigned Carry     = 1,
  // The device, by its carry chains: 1 for iCE40, 2 for ECP5, 3 for Gowin.
  parameter int unsigned CarryCell = 2
) (
  input  wire [Width-1:0] a_i,
  input  wire [Width-1:0] or_i,
  input  wire [Width-1:0] b_i,
  input  wire             carry_i,
  output wire [Width:0]   sum_o
);

  if (Width < 1 || Carry > 1 || CarryCell < 1 || CarryCell > 3) begin : gen_check
    $error("bnn_chain_adder: Width must be at least 1, Carry 0 or 1, CarryCell 1 to 3");
  end

`ifdef SYNTHESIS
  // Positions in front of the numbers', and all up to the carry that leaves.
  localparam int unsigned First = Carry;
  localparam int unsigned Positions = First + Width + 1;
  wire [Positions-1:0] a = Positions'({1'b0, a_i, carry_i} >> (1 - First));
  wire [Positions-1:0] b = Positions'({1'b0, b_i, carry_i} >> (1 - First));
  wire [Positions-1:0] other = Positions'({1'b0, or_i, 1'b0} >> (1 - First));
  if (CarryCell == 2) begin : gen_ecp5
    // Cells of two positions. A position's carry is passed on where (a | or) ^ b, else it is b.
    localparam int unsigned Cells = (Positions + 1) / 2;
    wire [2*Cells-1:0] padded_a = (2 * Cells)'(a);
    wire [2*Cells-1:0] padded_b = (2 * Cells)'(b);
    wire [2*Cells-1:0] padded_other = (2 * Cells)'(other);
    wire [2*Cells-1:0] sum;
    wire [Cells:0]     carry;
    assign carry[0] = 1'b0;
    for (genvar i = 0; i < Cells; i = i + 1) begin : gen_cell
      CCU2C #(
        .INIT0    (16'h56aa),
        .INIT1    (16'h56aa),
        .INJECT1_0("NO"),
        .INJECT1_1("NO")
      ) cell_i (
        .CIN (carry[i]),
        .A0  (padded_b[2*i]),
        .B0  (padded_a[2*i]),
        .C0  (padded_other[2*i]),
        .D0  (1'b1),
        .A1  (padded_b[2*i+1]),
        .B1  (padded_a[2*i+1]),
        .C1  (padded_other[2*i+1]),
        .D1  (1'b1),
        .S0  (sum[2*i]),
        .S1  (sum[2*i+1]),
        .COUT(carry[i+1])
      );
    end
    assign sum_o = sum[First+:Width+1];
  end else begin : gen_positions
    wire [Positions-1:0] first = a | other;
    wire [Positions-1:0] sum;
    wire [Positions:0]   carry;
    assign carry[0] = 1'b0;
    for (genvar i = 0; i < Positions; i = i + 1) begin : gen_position
      if (CarryCell == 1) begin : gen_ice40
        SB_CARRY chain (
          .I0(first[i]),
          .I1(b[i]),
          .CI(carry[i]),
          .CO(carry[i+1])
        );
        SB_LUT4 #(
          .LUT_INIT(16'hc33c)
        ) lut (
          .I0(1'b0),
          .I1(first[i]),
          .I2(b[i]),
          .I3(carry[i]),
          .O (sum[i])
        );
      end else begin : gen_gowin
        ALU #(
          .ALU_MODE(0)
        ) alu (
          .I0  (first[i]),
          .I1  (b[i]),
          .I3  (1'b0),
          .CIN (carry[i]),
          .COUT(carry[i+1]),
          .SUM (sum[i])
        );
      end
    end
    assign sum_o = sum[First+:Width+1];
  end
`else
  assign sum_o = (Width + 1)'(a_i | or_i) + (Width + 1)'(b_i) + (Width + 1)'(carry_i & (Carry != 0));
`endif

endmodule

`default_nettype wire
