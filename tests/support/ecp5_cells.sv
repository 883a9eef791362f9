// The cells of ECP5 devices that `rtl/` instantiates, for simulations of what synthesis reads.

module LUT4 #(
  parameter [15:0] INIT = 16'h0
) (
  input  wire A, B, C, D,
  output wire Z
);
  assign Z = INIT[{D, C, B, A}];
endmodule

module CCU2C #(
  parameter [15:0] INIT0     = 16'h0,
  parameter [15:0] INIT1     = 16'h0,
  parameter        INJECT1_0 = "YES",
  parameter        INJECT1_1 = "YES"
) (
  input  wire CIN,
  input  wire A0, B0, C0, D0, A1, B1, C1, D1,
  output wire S0, S1, COUT
);
  // Only without the injection.
  wire first = INIT0[{D0, C0, B0, A0}];
  wire second = INIT1[{D1, C1, B1, A1}];
  wire between = first ? CIN : INIT0[{2'b00, B0, A0}];
  assign S0 = first ^ CIN;
  assign S1 = second ^ between;
  assign COUT = second ? between : INIT1[{2'b00, B1, A1}];
endmodule
