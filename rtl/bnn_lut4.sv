// SPDX-License-Identifier: Apache-2.0
// One lookup table of a device whose tables have four inputs.
//
// Written out where logic synthesis would undo a form that needs fewer.

`default_nettype none

module bnn_lut4 #(
  // The truth table: bit i is output_o for inputs_i = i.
  parameter [15:0]       Table     = 16'h0,
  // The device, by its carry chains: 1 for iCE40, 2 for ECP5, 3 for Gowin.
  parameter int unsigned CarryCell = 2
) (
  input  wire [3:0] inputs_i,
  output wire       output_o
);

  if (CarryCell < 1 || CarryCell > 3) begin : gen_check
    $error("bnn_lut4: CarryCell must be 1 to 3");
  end

`ifdef SYNTHESIS
  if (CarryCell == 1) begin : gen_ice40
    SB_LUT4 #(
      .LUT_INIT(Table)
    ) lut (
      .I0(inputs_i[0]),
      .I1(inputs_i[1]),
      .I2(inputs_i[2]),
      .I3(inputs_i[3]),
      .O (output_o)
    );
  end else if (CarryCell == 2) begin : gen_ecp5
    LUT4 #(
      .INIT(Table)
    ) lut (
      .A(inputs_i[0]),
      .B(inputs_i[1]),
      .C(inputs_i[2]),
      .D(inputs_i[3]),
      .Z(output_o)
    );
  end else begin : gen_gowin
    LUT4 #(
      .INIT(Table)
    ) lut (
      .I0(inputs_i[0]),
      .I1(inputs_i[1]),
      .I2(inputs_i[2]),
      .I3(inputs_i[3]),
      .F (output_o)
    );
  end
`else
  assign output_o = Table[inputs_i];
`endif

endmodule

`default_nettype wire
