// SPDX-License-Identifier: Apache-2.0
// The carry chain of a Xilinx device: at each position, the carry is passed on where propagate_i is 1, else it is generate_i.

`default_nettype none

module bnn_carry_chain #(
  // Positions; at least 1.
  parameter int unsigned Width  = 4,
  // Positions of a cell of the device: 4 for CARRY4, 8 for CARRY8.
  parameter int unsigned CarryCell = 4
) (
  input  wire             carry_i,
  input  wire [Width-1:0] propagate_i,
  input  wire [Width-1:0] generate_i,
  // propagate_i ^ the carry that enters the position.
  output wire [Width-1:0] sum_o,
  // The carry that leaves the last position.
  output wire             carry_o
);

  if (Width < 1 || (CarryCell != 4 && CarryCell != 8)) begin : gen_check
    $error("bnn_carry_chain: Width must be at least 1, CarryCell 4 or 8");
  end

`ifdef SYNTHESIS
  localparam int unsigned Cells = (Width + CarryCell - 1) / CarryCell;
  localparam int unsigned Padded = Cells * CarryCell;
  wire [Padded-1:0] propagate = Padded'(propagate_i);
  wire [Padded-1:0] generated = Padded'(generate_i);
  wire [Padded-1:0] sum;
  wire [Padded-1:0] carry;
  for (genvar c = 0; c < Cells; c = c + 1) begin : gen_cell
    wire entering;
    if (c == 0) assign entering = 1'b0;
    else assign entering = carry[c*CarryCell-1];
    wire initial_carry;
    if (c == 0) assign initial_carry = carry_i;
    else assign initial_carry = 1'b0;
    if (CarryCell == 8) begin : gen_carry8
      CARRY8 #(
        .CARRY_TYPE("SINGLE_CY8")
      ) cell_i (
        .CI(entering | initial_carry),
        .CI_TOP(1'b0),
        .DI(generated[c*CarryCell+:CarryCell]),
        .S (propagate[c*CarryCell+:CarryCell]),
        .O (sum[c*CarryCell+:CarryCell]),
        .CO(carry[c*CarryCell+:CarryCell])
      );
    end else begin : gen_carry4
      CARRY4 cell_i (
        .CI    (entering),
        .CYINIT(initial_carry),
        .DI    (generated[c*CarryCell+:CarryCell]),
        .S     (propagate[c*CarryCell+:CarryCell]),
        .O     (sum[c*CarryCell+:CarryCell]),
        .CO    (carry[c*CarryCell+:CarryCell])
      );
    end
  end
  assign sum_o = sum[Width-1:0];
  assign carry_o = carry[Width-1];
`else
  // Two numbers whose sum has these carries.
  assign {carry_o, sum_o} = {1'b0, propagate_i | generate_i} + {1'b0, ~propagate_i & generate_i} + (Width + 1)'(carry_i);
`endif

endmodule

`default_nettype wire
