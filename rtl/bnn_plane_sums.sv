// SPDX-License-Identifier: Apache-2.0
// The datapath of a matrix-vector unit for weights or inputs of several bits, as trees of adders.
//
// A product is a sum of bit planes of one side, each of which gates the number on the other side: the side with more bits has
// the numbers. All bits are added as if they were positive: one that counts negative is inverted, which is 1 less it. With
// weights of -1 and +1 there is one plane, and a bit of the input counts where it equals the weight: 1 for 1 and +1, or 0 and
// -1. What sums are so too large is known in advance, and is taken from the value that they start at (dataflow/start_values.py).
//
// Steps pass through stages, of which 0 has the word that was read for the step; in stage Stages they are accumulated.

`default_nettype none

module bnn_plane_sums #(
  // Sums per cycle; at least 1.
  parameter int unsigned     PE          = 2,
  // Inputs per cycle; at least 1.
  parameter int unsigned     SIMD        = 4,
  // 1: weights are -1 and +1, stored as 0 and 1; more: two's complement.
  parameter int unsigned     WeightBits  = 1,
  // Bits of an input, and whether they are two's complement.
  parameter int unsigned     InputBits   = 2,
  parameter int unsigned     InputSigned = 0,
  // Products count 2 ** Scale.
  parameter int unsigned     Scale       = 0,
  // Bits of a sum; at least 1.
  parameter int unsigned     Bits        = 8,
  // 1: a pass has one step, and nothing is accumulated; else 0.
  parameter int unsigned     OneStep     = 0,
  // Registers between the words and the accumulators; 1 to the levels of the trees.
  parameter int unsigned     Stages      = 1,
  // 0: sums start at Initial; 1: at values that the unit around this one reads for each pass and PE.
  parameter int unsigned     Loaded      = 0,
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
  // Stage Stages: the initial values, 0 unless the step is the first of its pass.
  input  wire [PE*Bits-1:0]              initial_i,
  // Stage Stages: the sums with this step.
  output wire [PE*Bits-1:0]              sums_o
);

  // Of a bnn_sum_tree of so many numbers: how many are left, and its levels.
  function automatic integer numbers_left(input integer numbers);
    integer most;
    integer left;
    left = numbers;
    while (CarryCell != 0 && left > 2) begin
      most = 2;
      while (3 * most < left) most = 3 * most;
      left = left / 3 + (left % 3 == 2 && left / 3 + 2 > most ? 1 : left % 3);
    end
    numbers_left = CarryCell != 0 ? left : 1;
  endfunction
  function automatic integer tree_levels(input integer numbers);
    integer most;
    integer levels;
    most = CarryCell != 0 ? 2 : 1;
    levels = 0;
    while (most < numbers) begin
      most = (CarryCell != 0 ? 3 : 2) * most;
      levels = levels + 1;
    end
    tree_levels = levels;
  endfunction

  localparam Compare = WeightBits == 1;
  localparam WeightsAreNumbers = WeightBits > InputBits;
  localparam int unsigned NumberBits = WeightsAreNumbers ? WeightBits : InputBits;
  localparam int unsigned Planes = WeightsAreNumbers ? InputBits : WeightBits;
  localparam NumberSigned = WeightsAreNumbers || InputSigned != 0;
  localparam PlaneSigned = Compare ? 1'b0 : WeightsAreNumbers ? InputSigned != 0 : 1'b1;
  localparam int unsigned Leaves = (SIMD + 1) / 2;
  localparam int unsigned LargestNumber = (1 << NumberBits) - 1;
  localparam int unsigned Left = numbers_left(Leaves);
  localparam int unsigned PlaneTotal = SIMD * LargestNumber;
  localparam int unsigned PlaneSumBits = $clog2(PlaneTotal + 1);
  localparam int unsigned ShiftedBits = PlaneSumBits + Planes - 1;
  localparam int unsigned Total = PlaneTotal * ((1 << Planes) - 1);
  localparam int unsigned SumBits = $clog2(Total + 1);
  localparam int unsigned PlaneLevels = tree_levels(Leaves);
  localparam int unsigned Levels = 1 + PlaneLevels + tree_levels(Planes * Left);

  if (PE < 1 || SIMD < 1 || WeightBits < 1 || InputBits < 1 || Bits < 1) begin : gen_check_sizes
    $error("bnn_plane_sums: PE, SIMD, WeightBits, InputBits and Bits must be at least 1");
  end
  if (Stages < 1 || Stages > Levels) begin : gen_check_stages
    $error("bnn_plane_sums: Stages must be at least 1, and at most the levels that SIMD and the planes need");
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    // Level 0: pairs of gated numbers.
    wire [Planes*Left*ShiftedBits-1:0] shifted;
    for (genvar j = 0; j < Planes; j = j + 1) begin : gen_plane
      localparam PlaneNegative = PlaneSigned && j == Planes - 1;
      localparam TopNegative = NumberSigned != PlaneNegative;
      localparam [NumberBits-1:0] Inverted = NumberBits == 1 ? NumberBits'(TopNegative)
        : {TopNegative, {(NumberBits > 1 ? NumberBits - 1 : 1) {PlaneNegative}}};
      wire [Leaves*(NumberBits+1)-1:0] pairs;
      for (genvar k = 0; k < Leaves; k = k + 1) begin : gen_pair
        localparam int unsigned Numbers = 2 * k + 1 == SIMD ? 1 : 2;
        wire [Numbers*NumberBits-1:0] numbers;
        wire [Numbers-1:0]            gates;
        for (genvar i = 0; i < Numbers; i = i + 1) begin : gen_lane
          for (genvar b = 0; b < NumberBits; b = b + 1) begin : gen_bit
            if (WeightsAreNumbers) begin : gen_weight
              assign numbers[i*NumberBits+b] = word_i[(p*WeightBits+b)*SIMD+2*k+i];
            end else begin : gen_input
              assign numbers[i*NumberBits+b] = inputs_i[(2*k+i)*InputBits+b];
            end
          end
          assign gates[i] = WeightsAreNumbers ? inputs_i[(2*k+i)*InputBits+j] : word_i[(p*WeightBits+j)*SIMD+2*k+i];
        end
        bnn_gated_sum #(
          .Bits     (NumberBits),
          .Numbers  (Numbers),
          .Compare  (Compare ? 1 : 0),
          .Inverted (Inverted),
          .CarryCell(CarryCell)
        ) pair (
          .numbers_i(numbers),
          .gates_i  (gates),
          .sum_o    (pairs[k*(NumberBits+1)+:NumberBits+1])
        );
      end

      wire [Leaves*(NumberBits+1)-1:0] held;
      if (Stages == Levels) begin : gen_register
        reg [Leaves*(NumberBits+1)-1:0] stored;
        always @(posedge clk_i) stored <= pairs;
        assign held = stored;
      end else begin : gen_wire
        assign held = pairs;
      end
      wire [2*PlaneSumBits-1:0] left;
      bnn_sum_tree #(
        .Numbers  (Leaves),
        .Bits     (NumberBits + 1),
        .Largest  (SIMD == 1 ? LargestNumber : 2 * LargestNumber),
        .Total    (PlaneTotal),
        .SumBits  (PlaneSumBits),
        .Level    (1),
        .Stages   (Stages),
        .Levels   (Levels),
        .CarryCell(CarryCell)
      ) tree (
        .clk_i,
        .numbers_i(held),
        .sums_o   (left)
      );
      for (genvar n = 0; n < Left; n = n + 1) begin : gen_left
        assign shifted[(j*Left+n)*ShiftedBits+:ShiftedBits] = ShiftedBits'(left[n*PlaneSumBits+:PlaneSumBits]) << j;
      end
      wire unused_left = &{1'b0, left};
    end

    wire [2*SumBits-1:0] sums;
    bnn_sum_tree #(
      .Numbers  (Planes * Left),
      .Bits     (ShiftedBits),
      .Largest  (PlaneTotal << (Planes - 1)),
      .Total    (Total),
      .SumBits  (SumBits),
      .Level    (1 + PlaneLevels),
      .Stages   (Stages),
      .Levels   (Levels),
      .CarryCell(CarryCell)
    ) planes (
      .clk_i,
      .numbers_i(shifted),
      .sums_o   (sums)
    );

    bnn_pass_sum #(
      .Bits     (Bits),
      .Numbers  (Planes * Left == 1 ? 1 : 2),
      .OneStep  (OneStep),
      .Loaded   (Loaded),
      .Initial  (Initial),
      .CarryCell(CarryCell)
    ) pass_sum (
      .clk_i,
      .rst_ni,
      .valid_i,
      .last_i,
      .a_i      (Bits'({Bits'(0), sums[SumBits-1:0]} << Scale)),
      .b_i      (Bits'({Bits'(0), sums[SumBits+:SumBits]} << Scale)),
      .initial_i(initial_i[p*Bits+:Bits]),
      .sum_o    (sums_o[p*Bits+:Bits])
    );
  end

endmodule

`default_nettype wire
