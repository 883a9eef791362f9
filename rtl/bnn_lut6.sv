// SPDX-License-Identifier: Apache-2.0
// One lookup table of a Xilinx device with both of its outputs.
//
// Written out where logic synthesis would not find that two functions share a table, or would undo a form that needs fewer.

`default_nettype none

module bnn_lut6 #(
  // The truth table: bit i is o6_o for inputs_i = i, and o5_o for inputs_i[4:0] = i below 32.
  parameter [63:0] Table = 64'h0
) (
  input  wire [5:0] inputs_i,
  output wire       o6_o,
  output wire       o5_o
);

`ifdef SYNTHESIS
  LUT6_2 #(
    .INIT(Table)
  ) lut (
    .I0(inputs_i[0]),
    .I1(inputs_i[1]),
    .I2(inputs_i[2]),
    .I3(inputs_i[3]),
    .I4(inputs_i[4]),
    .I5(inputs_i[5]),
    .O6(o6_o),
    .O5(o5_o)
  );
`else
  assign o6_o = Table[inputs_i];
  assign o5_o = Table[{1'b0, inputs_i[4:0]}];
`endif

endmodule

`default_nettype wire
