// SPDX-License-Identifier: Apache-2.0
// Sums over the steps of a pass in DSP slices of 7-series devices, each of which adds to four sums of up to 12 bits or two of
// up to 24.
//
// The slice's register is that of the sums. It adds a count to the sum before or, in the first step of a pass, to the initial
// value, so neither takes logic.

`default_nettype none

module bnn_dsp_accumulators #(
  // Sums; at least 1.
  parameter int unsigned PE        = 2,
  // Bits of a sum; 1 to 24. Sums are exact modulo 2 ** Bits.
  parameter int unsigned Bits      = 4,
  // Bits of a count, unsigned; 1 to 24.
  parameter int unsigned CountBits = 2
) (
  input  wire                    clk_i,
  // There is a step, the first of its pass.
  input  wire                    valid_i,
  input  wire                    first_i,
  input  wire [PE*CountBits-1:0] counts_i,
  input  wire [PE*Bits-1:0]      initial_i,
  // One cycle later: the sums with this step.
  output wire [PE*Bits-1:0]      sums_o
);

  if (PE < 1 || Bits < 1 || CountBits < 1) begin : gen_check_sizes
    $error("bnn_dsp_accumulators: PE, Bits and CountBits must be at least 1");
  end
  if (Bits > 24 || CountBits > 24) begin : gen_check_width
    $error("bnn_dsp_accumulators: Bits and CountBits must be at most 24");
  end

  localparam int unsigned Lane = Bits <= 12 && CountBits <= 12 ? 12 : 24;
  localparam int unsigned Lanes = 48 / Lane;
  localparam int unsigned Slices = (PE + Lanes - 1) / Lanes;

  for (genvar s = 0; s < Slices; s = s + 1) begin : gen_slice
    wire [47:0] counts;
    wire [47:0] starts;
    /* verilator lint_off UNUSEDSIGNAL */
    wire [47:0] sums;
    /* verilator lint_on UNUSEDSIGNAL */
    for (genvar i = 0; i < Lanes; i = i + 1) begin : gen_lane
      if (s * Lanes + i < PE) begin : gen_sum
        assign counts[i*Lane+:Lane] = Lane'(counts_i[(s*Lanes+i)*CountBits+:CountBits]);
        assign starts[i*Lane+:Lane] = Lane'(initial_i[(s*Lanes+i)*Bits+:Bits]);
        assign sums_o[(s*Lanes+i)*Bits+:Bits] = sums[i*Lane+:Bits];
      end else begin : gen_none
        assign counts[i*Lane+:Lane] = '0;
        assign starts[i*Lane+:Lane] = '0;
      end
    end
`ifdef SYNTHESIS
    // X is A and B; in a first step, Y is C and Z is 0, else Y is 0 and Z the register.
    DSP48E1 #(
      .USE_MULT("NONE"),
      .USE_SIMD(Lane == 12 ? "FOUR12" : "TWO24"),
      .AREG(0),
      .ACASCREG(0),
      .BREG(0),
      .BCASCREG(0),
      .CREG(0),
      .DREG(0),
      .ADREG(0),
      .MREG(0),
      .PREG(1),
      .ALUMODEREG(0),
      .CARRYINREG(0),
      .CARRYINSELREG(0),
      .INMODEREG(0),
      .OPMODEREG(0)
    ) slice (
      .CLK          (clk_i),
      .A            (counts[47:18]),
      .B            (counts[17:0]),
      .C            (starts),
      .D            (25'd0),
      .P            (sums),
      .OPMODE       (first_i ? 7'b0001111 : 7'b0100011),
      .ALUMODE      (4'b0000),
      .INMODE       (5'b00000),
      .CARRYINSEL   (3'b000),
      .CARRYIN      (1'b0),
      .CEP          (valid_i),
      .CEA1         (1'b0),
      .CEA2         (1'b0),
      .CEB1         (1'b0),
      .CEB2         (1'b0),
      .CEC          (1'b0),
      .CED          (1'b0),
      .CEAD         (1'b0),
      .CEM          (1'b0),
      .CEALUMODE    (1'b0),
      .CECARRYIN    (1'b0),
      .CECTRL       (1'b0),
      .CEINMODE     (1'b0),
      .RSTA         (1'b0),
      .RSTB         (1'b0),
      .RSTC         (1'b0),
      .RSTD         (1'b0),
      .RSTM         (1'b0),
      .RSTP         (1'b0),
      .RSTALLCARRYIN(1'b0),
      .RSTALUMODE   (1'b0),
      .RSTCTRL      (1'b0),
      .RSTINMODE    (1'b0),
      .ACIN         (30'd0),
      .BCIN         (18'd0),
      .PCIN         (48'd0),
      .CARRYCASCIN  (1'b0),
      .MULTSIGNIN   (1'b0)
    );
`else
    reg [47:0] stored;
    for (genvar i = 0; i < Lanes; i = i + 1) begin : gen_add
      always @(posedge clk_i) begin
        if (valid_i) begin
          stored[i*Lane+:Lane] <= counts[i*Lane+:Lane] + (first_i ? starts[i*Lane+:Lane] : stored[i*Lane+:Lane]);
        end
      end
    end
    assign sums = stored;
`endif
  end

endmodule

`default_nettype wire
