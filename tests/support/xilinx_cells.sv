// The cells of Xilinx devices that `rtl/` instantiates, for simulations of what synthesis reads.

module LUT6_2 #(
  parameter [63:0] INIT = 64'h0
) (
  input  wire I0, I1, I2, I3, I4, I5,
  output wire O6, O5
);
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
endmodule

module LUT1 #(
  parameter [1:0] INIT = 2'h0
) (
  input  wire I0,
  output wire O
);
  assign O = INIT[{I0}];
endmodule

module LUT2 #(
  parameter [3:0] INIT = 4'h0
) (
  input  wire I0, I1,
  output wire O
);
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 #(
  parameter [7:0] INIT = 8'h0
) (
  input  wire I0, I1, I2,
  output wire O
);
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 #(
  parameter [15:0] INIT = 16'h0
) (
  input  wire I0, I1, I2, I3,
  output wire O
);
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 #(
  parameter [31:0] INIT = 32'h0
) (
  input  wire I0, I1, I2, I3, I4,
  output wire O
);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 #(
  parameter [63:0] INIT = 64'h0
) (
  input  wire I0, I1, I2, I3, I4, I5,
  output wire O
);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module CARRY4 (
  input  wire CI, CYINIT,
  input  wire [3:0] DI, S,
  output wire [3:0] O, CO
);
  wire [4:0] carry;
  assign carry[0] = CI | CYINIT;
  for (genvar i = 0; i < 4; i = i + 1) begin : gen_position
    assign carry[i+1] = S[i] ? carry[i] : DI[i];
  end
  assign O = S ^ carry[3:0];
  assign CO = carry[4:1];
endmodule

module CARRY8 #(
  parameter CARRY_TYPE = "SINGLE_CY8"
) (
  input  wire CI, CI_TOP,
  input  wire [7:0] DI, S,
  output wire [7:0] O, CO
);
  wire [8:0] carry;
  assign carry[0] = CI;
  for (genvar i = 0; i < 8; i = i + 1) begin : gen_position
    assign carry[i+1] = S[i] ? carry[i] : DI[i];
  end
  assign O = S ^ carry[7:0];
  assign CO = carry[8:1];
endmodule

// Without multiplier and input registers, as four sums of 12 bits or two of 24: X is A and B, Y is C or 0, Z the register or 0.
module DSP48E1 #(
  parameter USE_MULT = "MULTIPLY",
  parameter USE_SIMD = "ONE48",
  parameter integer AREG = 1, ACASCREG = 1, BREG = 1, BCASCREG = 1, CREG = 1, DREG = 1, ADREG = 1, MREG = 1, PREG = 1,
  parameter integer ALUMODEREG = 1, CARRYINREG = 1, CARRYINSELREG = 1, INMODEREG = 1, OPMODEREG = 1
) (
  input  wire CLK,
  input  wire [29:0] A,
  input  wire [17:0] B,
  input  wire [47:0] C,
  input  wire [24:0] D,
  input  wire [6:0] OPMODE,
  input  wire [3:0] ALUMODE,
  input  wire [4:0] INMODE,
  input  wire [2:0] CARRYINSEL,
  input  wire CARRYIN, CEP, CEA1, CEA2, CEB1, CEB2, CEC, CED, CEAD, CEM, CEALUMODE, CECARRYIN, CECTRL, CEINMODE,
  input  wire RSTA, RSTB, RSTC, RSTD, RSTM, RSTP, RSTALLCARRYIN, RSTALUMODE, RSTCTRL, RSTINMODE,
  input  wire [29:0] ACIN,
  input  wire [17:0] BCIN,
  input  wire [47:0] PCIN,
  input  wire CARRYCASCIN, MULTSIGNIN,
  output reg  [47:0] P
);
  localparam integer Lane = USE_SIMD == "FOUR12" ? 12 : 24;
  wire [47:0] x = OPMODE[1:0] == 2'b11 ? {A, B} : 48'bx;
  wire [47:0] y = OPMODE[3:2] == 2'b11 ? C : OPMODE[3:2] == 2'b00 ? 48'd0 : 48'bx;
  wire [47:0] z = OPMODE[6:4] == 3'b010 ? P : OPMODE[6:4] == 3'b000 ? 48'd0 : 48'bx;
  for (genvar i = 0; i < 48 / Lane; i = i + 1) begin : gen_lane
    always @(posedge CLK) if (CEP) P[i*Lane+:Lane] <= x[i*Lane+:Lane] + y[i*Lane+:Lane] + z[i*Lane+:Lane];
  end
endmodule
