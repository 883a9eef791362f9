// The cells of Gowin devices that `rtl/` instantiates, for simulations of what synthesis reads.

module LUT4 #(
  parameter [15:0] INIT = 16'h0
) (
  input  wire I0, I1, I2, I3,
  output wire F
);
  assign F = INIT[{I3, I2, I1, I0}];
endmodule

// Mode 0, a sum, is the only one.
module ALU #(
  parameter ALU_MODE = 0
) (
  input  wire I0, I1, I3, CIN,
  output wire COUT, SUM
);
  wire unused = I3;
  assign {COUT, SUM} = {1'b0, I0} + {1'b0, I1} + {1'b0, CIN};
endmodule
