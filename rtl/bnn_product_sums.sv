// SPDX-License-Identifier: Apache-2.0
// Sums of products for bnn_matrix_vector, of any weights and inputs.
//
// With inputs and weights of -1 and +1, equal bits are counted; an input that is flagged as 0 counts as half of one. With few
// bits, the sum of products is a sum over pairs of bit planes, one of the weights and one of the inputs: a popcount of their
// AND, shifted by both positions. With many bits, a multiplier is cheaper.
//
// With weights of -1 and +1, a bit of an input counts where it equals its weight, a sign where it does not. An input then
// counts more than its product by a number that depends on the weight alone; with inputs of -1 and +1, of which only the bits
// count, twice, the same is true of other weights. So sums start at less by all of these (dataflow/start_values.py).
//
// Synthesis has trees of adders (bnn_plane_sums) and of multipliers (bnn_multiplied_sums). Otherwise the
// datapath is one clocked block whose stages stand last to first: a variable that only this block reads is then a
// register although it is assigned with "=", and Verilator runs the unrolled loops several times faster than with "<=". The
// sums and results are read outside, so they are assigned with "<=".

`default_nettype none

module bnn_product_sums #(
  // Inputs of the layer; at least 1.
  parameter int unsigned        MW              = 8,
  // Outputs per cycle; at least 1.
  parameter int unsigned        PE              = 2,
  // Inputs per cycle; at least 1.
  parameter int unsigned        SIMD            = 4,
  // Vectors per cycle, with the same weights; at least 1.
  parameter int unsigned        Pixels          = 1,
  // Weights and inputs, see bnn_matrix_vector.
  parameter int unsigned        WeightBits      = 1,
  parameter int unsigned        InputBipolar    = 1,
  parameter int unsigned        InputBits       = 1,
  parameter int unsigned        InputSigned     = 0,
  // Flags of a vector; 0, or a divisor of SIMD.
  parameter int unsigned        Flags           = 0,
  // Bits of a sum; at least 1.
  parameter int unsigned        TotalBits       = 4,
  // 1: sums start at initial_i; 0: all start at Initial.
  parameter int unsigned        Loaded          = 0,
  parameter     [TotalBits-1:0] Initial         = '0,
  // 1: a result is whether its sum is negative; 0: results are the sums.
  parameter int unsigned        Signed          = 0,
  // 1: a pass has one step, and nothing is accumulated; else 0.
  parameter int unsigned        OneStep         = 0,
  // Bits of a result, at least 1; results are exact modulo 2 ** OutputBits.
  parameter int unsigned        OutputBits      = 1,
  // Added to a result that is a comparison; any integer.
  parameter int                 OutputOffset    = 0,
  // Stages in front of the accumulators; at least 1: registers among the levels of trees, 2 or more with multipliers. In a
  // simulation, 1: all products are summed in one; 2: those of groups of inputs first, then the groups; more: that, and further
  // registers.
  parameter int unsigned        Stages          = 1,
  // Inputs of a group; at least 1.
  parameter int unsigned        Group           = 32,
  // Positions of a carry chain cell of a Xilinx device, 4 or 8; 0 for a form that any device has.
  parameter int unsigned        CarryCell       = 4
) (
  input  wire                                     clk_i,
  input  wire                                     rst_ni,
  // The inputs of a step, those of the first vector lowest, with the flags above all inputs; a cycle before its weights are used.
  input  wire [Pixels*(SIMD*InputBits+Flags)-1:0] inputs_i,
  // There is a step in each of the stages: weights are used in stage 0, sums are added to in stage Stages.
  input  wire [                         Stages:0] valid_i,
  // The step that is added is the first or last of its pass.
  input  wire                                     first_i,
  input  wire                                     last_i,
  // The weights of the step in stage 0, see bnn_matrix_vector.
  input  wire [           PE*WeightBits*SIMD-1:0] word_i,
  // Where the sums of the step that is added start; 0 unless it is the first of its pass.
  input  wire [                 PE*TotalBits-1:0] initial_i,
  // The sums, and the results of the last pass.
  output wire [          Pixels*PE*TotalBits-1:0] sums_o,
  output wire [         Pixels*PE*OutputBits-1:0] results_o
);

  if (MW < 1 || PE < 1 || SIMD < 1 || Pixels < 1 || WeightBits < 1 || InputBits < 1) begin : gen_check_sizes
    $error("bnn_product_sums: MW, PE, SIMD, Pixels, WeightBits and InputBits must be at least 1");
  end
  if (InputBipolar > 1 || InputSigned > 1 || Loaded > 1 || Signed > 1 || OneStep > 1) begin : gen_check_types
    $error("bnn_product_sums: InputBipolar, InputSigned, Loaded, Signed and OneStep must be 0 or 1");
  end
  if (Flags != 0 && SIMD % Flags != 0) begin : gen_check_flags
    $error("bnn_product_sums: Flags must divide SIMD");
  end
  if (Stages < 1 || Group < 1) begin : gen_check_stages
    $error("bnn_product_sums: Stages and Group must be at least 1");
  end

  localparam Xnor = InputBipolar != 0 && WeightBits == 1;
  // Sums per cycle: those of the first vector, then those of the next.
  localparam int unsigned Sums = Pixels * PE;
  localparam int unsigned BeatBits = Pixels * (SIMD * InputBits + Flags);
  // Inputs under one flag. An equal bit counts 1, and a flagged part half its inputs; where that is not an integer, all
  // counts are doubled.
  localparam int unsigned Parts = Flags > 0 ? Flags : 1;
  localparam int unsigned Part = SIMD / Parts;
  localparam int unsigned Double = Flags > 0 && Part % 2 != 0 ? 1 : 0;

  // Inputs of -1 and +1 as numbers: 1, less 2 where the bit is 0; or twice their bits.
  localparam Signs = InputBipolar != 0 && (Flags > 0 || WeightBits > 16);
  localparam int unsigned Planes = Signs ? 2 : InputBits;
  localparam int unsigned Scale = !Xnor && InputBipolar != 0 && !Signs ? 1 : 0;
  localparam TopPlaneNegative = Signs || InputSigned != 0;
  // Products of more bits are cheaper with multipliers.
  localparam Few = WeightBits * Planes <= 16;
  localparam Multiply = WeightBits > 1 && !Few;
`ifdef SYNTHESIS
  // Trees count in 32 bits.
  localparam Trees = !Xnor && (Few || (Multiply && WeightBits + Planes + $clog2(SIMD) <= 28));
`else
  localparam Trees = 1'b0;
`endif
  // In trees, a product's bits that count negative are inverted, so that sums are larger by a number that all have in common.
  localparam int unsigned Positive = TopPlaneNegative ? Planes - 1 : Planes;
  localparam [TotalBits-1:0] Excess = Xnor || Multiply || WeightBits == 1 ? '0
    : TotalBits'(MW * (((((1 << Positive) - 1) << (WeightBits - 1)) + (((1 << (WeightBits - 1)) - 1) << Positive) * (Planes - Positive)) << Scale));

  if (Trees) begin : gen_trees
    // Inputs as numbers, 0 where they are flagged.
    wire [Pixels*SIMD*Planes-1:0] numbers;
    for (genvar v = 0; v < Pixels; v = v + 1) begin : gen_vector
      for (genvar i = 0; i < SIMD; i = i + 1) begin : gen_input
        wire [InputBits-1:0] number = inputs_i[(v*SIMD+i)*InputBits+:InputBits];
        wire counted;
        if (Flags > 0) begin : gen_flag
          assign counted = ~inputs_i[Pixels*SIMD*InputBits+v*Parts+i/Part];
        end else begin : gen_no_flag
          assign counted = 1'b1;
        end
        if (Signs) begin : gen_signs
          assign numbers[(v*SIMD+i)*Planes+:Planes] = {~number[0] & counted, counted};
        end else begin : gen_number
          assign numbers[(v*SIMD+i)*Planes+:Planes] = Planes'(number & {InputBits{counted}});
        end
      end

      reg [SIMD*Planes-1:0] operand;
      always @(posedge clk_i) operand <= numbers[v*SIMD*Planes+:SIMD*Planes];

      wire [PE*TotalBits-1:0] next;
      if (Multiply) begin : gen_multipliers
        bnn_multiplied_sums #(
          .PE         (PE),
          .SIMD       (SIMD),
          .Steps      (MW / SIMD),
          .WeightBits (WeightBits),
          .InputBits  (Planes),
          .InputSigned(TopPlaneNegative ? 1 : 0),
          .Bits       (TotalBits),
          .Group      (Group),
          .Stages     (Stages),
          .Initial    (Initial),
          .CarryCell  (CarryCell)
        ) multiplied_sums (
          .clk_i,
          .rst_ni,
          .inputs_i(operand),
          .word_i,
          .valid_i (valid_i[Stages]),
          .last_i,
          .sums_o  (next)
        );
        wire unused_initial = &{1'b0, initial_i};
      end else begin : gen_planes
        bnn_plane_sums #(
          .PE         (PE),
          .SIMD       (SIMD),
          .WeightBits (WeightBits),
          .InputBits  (Planes),
          .InputSigned(TopPlaneNegative ? 1 : 0),
          .Scale      (Scale),
          .Bits       (TotalBits),
          .OneStep    (OneStep),
          .Stages     (Stages),
          .Loaded     (Loaded),
          .Initial    (Initial - Excess),
          .CarryCell  (CarryCell)
        ) plane_sums (
          .clk_i,
          .rst_ni,
          .inputs_i (operand),
          .word_i,
          .valid_i  (valid_i[Stages]),
          .last_i,
          .initial_i,
          .sums_o   (next)
        );
      end
      for (genvar p = 0; p < PE; p = p + 1) begin : gen_result
        wire signed [TotalBits-1:0] number = next[p*TotalBits+:TotalBits];
        reg [TotalBits-1:0] sum;
        always @(posedge clk_i) if (valid_i[Stages]) sum <= number;
        assign sums_o[(v*PE+p)*TotalBits+:TotalBits] = sum;
        // The last sum stays until the next one.
        wire taken = valid_i[Stages] & last_i;
        if (Signed != 0) begin : gen_sign
          reg negative;
          always @(posedge clk_i) if (taken) negative <= number[TotalBits-1];
          assign results_o[(v*PE+p)*OutputBits+:OutputBits] = OutputBits'(OutputOffset) + OutputBits'(!negative);
        end else begin : gen_sum
          reg [OutputBits-1:0] last;
          always @(posedge clk_i) if (taken) last <= OutputBits'(number);
          assign results_o[(v*PE+p)*OutputBits+:OutputBits] = last;
        end
      end
    end
    wire unused = &{1'b0, first_i, valid_i, inputs_i};
  end else begin : gen_block
    wire unused = rst_ni;
    // A simulation is fastest with groups of 32.
`ifdef SYNTHESIS
    localparam int unsigned GroupLanes = Stages == 1 ? SIMD : Group;
`else
    localparam int unsigned GroupLanes = Stages == 1 ? SIMD : 32;
`endif
    localparam int unsigned Groups = (SIMD + GroupLanes - 1) / GroupLanes;
    localparam int unsigned PaddedLanes = Groups * GroupLanes;
    // Registers behind the first totals.
    localparam int unsigned Further = Stages > 2 ? Stages - 2 : 0;

    reg [ TotalBits-1:0] accumulator [0:Sums-1];
    reg [ BeatBits-1:0]  operand;
    reg [     SIMD-1:0]  counted;
    reg [TotalBits-1:0]  partial     [0:Sums*Groups-1];
    reg [TotalBits-1:0]  total       [0:(Further+1)*Sums-1];
    reg [Sums*OutputBits-1:0] results;
    integer s;
    integer v;
    integer p;
    integer g;
    integer b;
    integer j;
    integer i;
    reg [SIMD*InputBits-1:0]         inputs;
    reg [SIMD-1:0]                   lanes;
    reg [WeightBits*PaddedLanes-1:0] chosen;
    reg [Planes*PaddedLanes-1:0]     planes;
    /* verilator lint_off UNUSEDSIGNAL */
    // Sums may have fewer bits.
    reg signed [WeightBits-1:0]      weight;
    reg signed [Planes:0]            value;
    reg signed [TotalBits:0]         number;
    /* verilator lint_on UNUSEDSIGNAL */
    // As wide as the sums, so that synthesis adds up the partial products of all products in one tree.
    reg signed [TotalBits-1:0]       product;
    reg [TotalBits-1:0]              term;
    reg [TotalBits-1:0]              count;
    reg [TotalBits-1:0]              sum;
    reg [TotalBits-1:0]              outside;

    /* verilator lint_off BLKSEQ */
    always @(posedge clk_i) begin
      // Accumulate; without thresholds to compare with, the last sum is the result, and stays until the next one.
      if (valid_i[Stages]) begin
        for (s = 0; s < Sums; s = s + 1) begin
          sum = Loaded != 0 ? initial_i[s%PE*TotalBits+:TotalBits] + Excess : Initial;
          sum = (first_i ? sum : accumulator[s]) + total[Further*Sums+s];
          accumulator[s] <= sum;
          if (last_i) begin
            number = {sum, 1'(MW)};
            if (Signed != 0) results[s*OutputBits+:OutputBits] <= OutputBits'(OutputOffset) + OutputBits'(!sum[TotalBits-1]);
            else if (Xnor && Double == 0) results[s*OutputBits+:OutputBits] <= OutputBits'(number);
            else results[s*OutputBits+:OutputBits] <= OutputBits'(number >>> 1);
          end
        end
      end

      // Further stages of the totals.
      for (s = (Further + 1) * Sums - 1; s >= Sums; s = s - 1) total[s] = total[s-Sums];

      // Sum of the groups.
      if (Stages > 1 && valid_i[1]) begin
        for (s = 0; s < Sums; s = s + 1) begin
          count = '0;
          for (g = 0; g < Groups; g = g + 1) count = count + partial[s*Groups+g];
          total[s] = count;
        end
      end

      // Popcounts.
      if (valid_i[0]) begin
        for (v = 0; v < Pixels; v = v + 1) begin
          inputs = operand[v*SIMD*InputBits+:SIMD*InputBits];
          counted = '1;
          outside = '0;
          for (i = 0; i < Parts; i = i + 1) begin
            if (Flags != 0 && operand[(Pixels*SIMD*InputBits+v*Parts+i)%BeatBits]) begin
              counted[i*Part+:Part] = '0;
              outside = outside + TotalBits'(Part << Double >> 1);
            end
          end
          if (!Xnor) begin
            planes = '0;
            for (b = 0; b < Planes; b = b + 1) begin
              for (i = 0; i < SIMD; i = i + 1) begin
                if (Signs) planes[b*PaddedLanes+i] = ((b == 0) | ~inputs[i]) & counted[i];
                else planes[b*PaddedLanes+i] = inputs[i*InputBits+b] & counted[i];
              end
              if (WeightBits == 1 && TopPlaneNegative && b == Planes - 1) planes[b*PaddedLanes+:SIMD] = ~planes[b*PaddedLanes+:SIMD];
            end
          end
          for (p = 0; p < PE; p = p + 1) begin
            chosen = '0;
            for (j = 0; j < WeightBits; j = j + 1) begin
              lanes = word_i[(p*WeightBits+j)*SIMD+:SIMD];
              if (Xnor) lanes = ~(lanes ^ inputs[SIMD-1:0]) & counted;
              else if (WeightBits == 1) lanes = ~lanes;
              chosen[j*PaddedLanes+:SIMD] = lanes;
            end
            for (g = 0; g < Groups; g = g + 1) begin
              if (Xnor) begin
                count = TotalBits'($countones(chosen[g*GroupLanes+:GroupLanes])) << Double;
                if (g == 0) count = count + outside;
              end else if (Multiply) begin
                count = '0;
                for (i = 0; i < GroupLanes; i = i + 1) begin
                  for (j = 0; j < WeightBits; j = j + 1) weight[j] = chosen[j*PaddedLanes+g*GroupLanes+i];
                  for (b = 0; b < Planes; b = b + 1) value[b] = planes[b*PaddedLanes+g*GroupLanes+i];
                  value[Planes] = TopPlaneNegative & value[Planes-1];
                  product = TotalBits'(weight) * TotalBits'(value);
                  count = count + product;
                end
              end else if (WeightBits == 1) begin
                count = '0;
                for (b = 0; b < Planes; b = b + 1) begin
                  count = count + (TotalBits'($countones(
                    chosen[g*GroupLanes+:GroupLanes] ^ planes[b*PaddedLanes+g*GroupLanes+:GroupLanes]
                  )) << b);
                end
              end else begin
                count = '0;
                for (j = 0; j < WeightBits; j = j + 1) begin
                  for (b = 0; b < Planes; b = b + 1) begin
                    term = TotalBits'($countones(
                      chosen[j*PaddedLanes+g*GroupLanes+:GroupLanes] & planes[b*PaddedLanes+g*GroupLanes+:GroupLanes]
                    )) << (b + j + Scale);
                    if ((TopPlaneNegative && b == Planes - 1) != (j == WeightBits - 1)) begin
                      count = count - term;
                    end else begin
                      count = count + term;
                    end
                  end
                end
              end
              if (Stages > 1) partial[(v*PE+p)*Groups+g] = count;
              else total[v*PE+p] = count;
            end
          end
        end
      end

      operand = inputs_i;
    end
    /* verilator lint_on BLKSEQ */

    assign results_o = results;
    for (genvar a = 0; a < Sums; a = a + 1) begin : gen_sum
      assign sums_o[a*TotalBits+:TotalBits] = accumulator[a];
    end
  end

endmodule

`default_nettype wire
