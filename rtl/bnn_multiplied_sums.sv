// SPDX-License-Identifier: Apache-2.0
// The datapath of a matrix-vector unit whose products have many bits: multipliers, chains of their adders, and trees.
//
// The multipliers of an FPGA have registers behind them and adders behind those, which pass their sums on from one to the next.
// So products are a stage; the next adds up groups of them, as long as the clock has time for a chain; a tree adds up the groups.
// There, numbers count as positive: a sign is inverted, which makes a sum larger by as much for each group of each step.

`default_nettype none

module bnn_multiplied_sums #(
  // Sums per cycle; at least 1.
  parameter int unsigned     PE          = 2,
  // Inputs per cycle; at least 1.
  parameter int unsigned     SIMD        = 4,
  // Steps of a pass; at least 1.
  parameter int unsigned     Steps       = 2,
  // Two's complement.
  parameter int unsigned     WeightBits  = 8,
  // Bits of an input, and whether they are two's complement.
  parameter int unsigned     InputBits   = 8,
  parameter int unsigned     InputSigned = 0,
  // Bits of a sum; at least 1. Sums are exact modulo 2 ** Bits.
  parameter int unsigned     Bits        = 20,
  // Inputs of a group; at least 1.
  parameter int unsigned     Group       = 4,
  // Registers between the words and the accumulators; at least 2, for products and groups, and as many more as the tree of
  // groups has levels.
  parameter int unsigned     Stages      = 2,
  // Initial value of all sums.
  parameter logic [Bits-1:0] Initial     = '0,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
  parameter int unsigned     CarryCell   = 4
) (
  input  wire                            clk_i,
  input  wire                            rst_ni,
  // Stage 0: inputs of the step, and for each PE and each bit of the weights the bits of all inputs.
  input  wire [SIMD*InputBits-1:0]       inputs_i,
  input  wire [PE*WeightBits*SIMD-1:0]   word_i,
  // Stage Stages: there is a step, which is the last of its pass.
  input  wire                            valid_i,
  input  wire                            last_i,
  // Stage Stages: the sums with this step.
  output wire [PE*Bits-1:0]              sums_o
);

  if (PE < 1 || SIMD < 1 || Steps < 1 || Group < 1 || Stages < 2) begin : gen_check
    $error("bnn_multiplied_sums: PE, SIMD, Steps and Group must be at least 1, Stages at least 2");
  end

  localparam int unsigned ValueBits = InputSigned != 0 ? InputBits : InputBits + 1;
  localparam int unsigned ProductBits = WeightBits + ValueBits;
  localparam int unsigned Lanes = Group < SIMD ? Group : SIMD;
  localparam int unsigned Groups = (SIMD + Lanes - 1) / Lanes;
  localparam int unsigned GroupBits = ProductBits + $clog2(Lanes);
  localparam int unsigned Total = Groups * ((1 << GroupBits) - 1);
  localparam int unsigned SumBits = $clog2(Total + 1);
  localparam [Bits-1:0] Excess = Bits'(Steps * Groups) << (GroupBits - 1);
  localparam int unsigned Further = Stages - 2;
  // Those of bnn_sum_tree.
  localparam int unsigned TreeLevels = CarryCell == 0 ? $clog2(Groups) : Groups <= 2 ? 0 : Groups <= 6 ? 1 : Groups <= 18 ? 2
    : Groups <= 54 ? 3 : Groups <= 162 ? 4 : Groups <= 486 ? 5 : Groups <= 1458 ? 6 : 7;

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [Groups*GroupBits-1:0] numbers;
    for (genvar g = 0; g < Groups; g = g + 1) begin : gen_group
      localparam int unsigned Own = (g + 1) * Lanes <= SIMD ? Lanes : SIMD - g * Lanes;
      wire [Own*ProductBits-1:0] products;
      for (genvar i = 0; i < Own; i = i + 1) begin : gen_lane
        localparam int unsigned Input = g * Lanes + i;
        wire signed [WeightBits-1:0]  weight;
        wire signed [ValueBits-1:0]   value;
        reg signed  [ProductBits-1:0] product;
        for (genvar j = 0; j < WeightBits; j = j + 1) begin : gen_bit
          assign weight[j] = word_i[(p*WeightBits+j)*SIMD+Input];
        end
        assign value = ValueBits'(inputs_i[Input*InputBits+:InputBits]);
        always @(posedge clk_i) product <= weight * value;
        assign products[i*ProductBits+:ProductBits] = product;
      end
      reg signed [GroupBits-1:0]   sum;
      reg        [GroupBits-1:0]   held;
      reg signed [ProductBits-1:0] next;
      integer n;
      always @* begin
        sum = '0;
        for (n = 0; n < Own; n = n + 1) begin
          next = products[n*ProductBits+:ProductBits];
          sum  = sum + GroupBits'(next);
        end
      end
      always @(posedge clk_i) held <= sum;
      assign numbers[g*GroupBits+:GroupBits] = {~held[GroupBits-1], held[GroupBits-2:0]};
    end

    wire [2*SumBits-1:0] left;
    bnn_sum_tree #(
      .Numbers  (Groups),
      .Bits     (GroupBits),
      .Largest  ((1 << GroupBits) - 1),
      .Total    (Total),
      .SumBits  (SumBits),
      .Level    (0),
      .Stages   (Further),
      .Levels   (Further > 0 ? TreeLevels : 1),
      .CarryCell(CarryCell)
    ) tree (
      .clk_i,
      .numbers_i(numbers),
      .sums_o   (left)
    );
    bnn_pass_sum #(
      .Bits     (Bits),
      .Numbers  (CarryCell != 0 && Groups > 1 ? 2 : 1),
      .OneStep  (Steps == 1 ? 1 : 0),
      .Initial  (Initial - Excess),
      .CarryCell(CarryCell)
    ) pass_sum (
      .clk_i,
      .rst_ni,
      .valid_i,
      .last_i,
      .a_i      (Bits'(left[SumBits-1:0])),
      .b_i      (Bits'(left[SumBits+:SumBits])),
      .initial_i('0),
      .sum_o    (sums_o[p*Bits+:Bits])
    );
  end

endmodule

`default_nettype wire
