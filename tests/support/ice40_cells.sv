// The cells of iCE40 devices that `rtl/` instantiates, for simulations of what synthesis reads.

module SB_LUT4 #(
  parameter [15:0] LUT_INIT = 16'h0
) (
  input  wire I0, I1, I2, I3,
  output wire O
);
  assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

module SB_CARRY (
  input  wire I0, I1, CI,
  output wire CO
);
  assign CO = (I0 & I1) | ((I0 | I1) & CI);
endmodule
