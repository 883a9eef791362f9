// Sums of products in trees of gated numbers or of multipliers: at the end of a pass they are those of a register that adds
// products. Weights, inputs and flags are any, in each step.

module proof #(
  parameter int unsigned Simd = 3, Steps = 2, WeightBits = 1, InputBits = 2, InputSigned = 0, Flags = 0, Stages = 1,
  parameter int unsigned Group = 1, CarryCell = 4, Bits = 8,
  parameter [Bits-1:0] Initial = 5,
  // What a step counts more than its products, which the start of a pass makes up for: with that of the trees, the sums of all
  // steps are the same.
  parameter [Bits-1:0] Excess = 0
) (
  input wire clk, go,
  input wire [Simd*InputBits-1:0] x,
  input wire [(Flags>0?Flags:1)-1:0] outside,
  input wire [Simd*WeightBits-1:0] word,
  output wire bad, last_sum
);
  reg rst_n = 0;
  always @(posedge clk) rst_n <= 1;

  wire first_step, last_step;
  bnn_steps #(
    .Passes(1),
    .Steps(Steps)
  ) steps (
    .clk_i       (clk),
    .rst_ni      (rst_n),
    .go_i        (go & rst_n),
    .first_step_o(first_step),
    .last_step_o (last_step)
  );
  // One bit per stage.
  reg [Stages:0] valid = 0, first = 0, last = 0;
  always @(posedge clk) begin
    valid <= {valid, go & rst_n};
    first <= {first, first_step};
    last <= {last, last_step};
    if (!rst_n) valid <= 0;
  end
  wire [Bits-1:0] sums, results;
  wire [Simd*InputBits+Flags-1:0] beat = {outside, x};
  bnn_product_sums #(
    .MW          (Simd * Steps),
    .PE          (1),
    .SIMD        (Simd),
    .WeightBits  (WeightBits),
    .InputBipolar(0),
    .InputBits   (InputBits),
    .InputSigned (InputSigned),
    .Flags       (Flags),
    .TotalBits   (Bits),
    .Initial     (Initial),
    .OneStep     (Steps == 1 ? 1 : 0),
    .OutputBits  (Bits),
    .Stages      (Stages),
    .Group       (Group),
    .CarryCell   (CarryCell)
  ) dut (
    .clk_i    (clk),
    .rst_ni   (rst_n),
    .inputs_i (beat),
    .valid_i  (valid),
    .first_i  (first[Stages]),
    .last_i   (last[Stages]),
    .word_i   (word),
    .initial_i({Bits{1'b0}}),
    .sums_o   (sums),
    .results_o(results)
  );

  // The inputs of the step in stage 0; what the steps behind it add; the sum, and that of the last pass.
  reg [Simd*InputBits-1:0] taken;
  reg [(Flags>0?Flags:1)-1:0] flagged;
  reg [Stages*Bits-1:0] added;
  reg [Bits-1:0] products, total, whole;
  reg was = 0, done = 0;
  reg signed [InputBits:0] value;
  reg signed [WeightBits-1:0] weight;
  reg signed [Bits-1:0] product;
  integer i, j;
  always @* begin
    products = Excess;
    for (i = 0; i < Simd; i = i + 1) begin
      value = {InputSigned != 0 & taken[i*InputBits+InputBits-1], taken[i*InputBits+:InputBits]};
      if (Flags > 0 && flagged[i*Flags/Simd]) value = 0;
      for (j = 0; j < WeightBits; j = j + 1) weight[j] = word[j*Simd+i];
      if (WeightBits > 1) product = weight * value;
      // Each -1 counts 2 ** InputBits - 1 more than its product; of a sign, all count 2 ** (InputBits - 1) more, and it 1 less.
      else if (weight[0]) product = value + (InputSigned != 0 ? 1 << InputBits - 1 : 0);
      else product = (InputSigned != 0 ? (1 << InputBits - 1) - 1 : (1 << InputBits) - 1) - value;
      products = products + product;
    end
  end
  wire [Bits-1:0] sum = total + added[(Stages-1)*Bits+:Bits];
  always @(posedge clk) begin
    taken <= x;
    flagged <= outside;
    added <= {added, products};
    was <= valid[Stages];
    if (!rst_n | (valid[Stages] & last[Stages])) total <= Initial - Steps * Excess;
    else if (valid[Stages]) total <= sum;
    if (valid[Stages]) whole <= sum;
    done <= valid[Stages] & last[Stages];
  end
  assign bad = was & (sums != whole | (done & results != whole));
  assign last_sum = done;
endmodule
