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
