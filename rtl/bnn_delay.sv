// SPDX-License-Identifier: Apache-2.0
// Data that come some cycles later.

`default_nettype none

module bnn_delay #(
  // Bits; at least 1.
  parameter int unsigned Width  = 1,
  // Cycles; 0 for a wire.
  parameter int unsigned Cycles = 1
) (
  input  wire             clk_i,
  input  wire [Width-1:0] data_i,
  output wire [Width-1:0] data_o
);

  if (Width < 1) begin : gen_check
    $error("bnn_delay: Width must be at least 1");
  end

  if (Cycles == 0) begin : gen_wire
    assign data_o = data_i;
    wire unused = clk_i;
  end else begin : gen_registers
    reg [Cycles*Width-1:0] earlier;
    always @(posedge clk_i) earlier <= (Cycles * Width)'({earlier, data_i});
    assign data_o = earlier[(Cycles-1)*Width+:Width];
  end

endmodule

`default_nettype wire
