// The xnor datapath: at all times, sums are those of a register that adds the number of equal bits. Words are any, in each
// step, and so are initial values.

module proof #(
  parameter int unsigned Simd = 4, Steps = 2, Loaded = 0, CarryCell = 4,
  parameter int unsigned Bits = $clog2(Simd * Steps + 1) + 2,
  parameter [Bits-1:0] Initial = 0 - 4
) (
  input wire clk, go,
  input wire [Simd-1:0] x, word,
  input wire [Bits-1:0] initial_value,
  output wire bad, last_sum
);
  reg rst_n = 0;
  always @(posedge clk) rst_n <= 1;

  wire first_step, last_step;
  wire [Simd-1:0] encoded;
  wire [Bits-1:0] sums;
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
  bnn_parity_encoder #(
    .Lanes(Simd),
    .Cells(CarryCell != 0)
  ) encoder (
    .clk_i   (clk),
    .rst_ni  (rst_n),
    .taken_i (go & rst_n),
    .last_i  (last_step),
    .inputs_i(x),
    .inputs_o(encoded)
  );
  // One bit per stage.
  reg [1:0] valid = 0, first = 0, last = 0;
  reg [Bits-1:0] start = 0;
  always @(posedge clk) begin
    valid <= {valid[0], go & rst_n};
    first <= {first[0], first_step};
    last <= {last[0], last_step};
    start <= initial_value;
    if (!rst_n) valid <= 0;
  end
  bnn_xnor_sums #(
    .PE(1),
    .SIMD(Simd),
    .Bits(Bits),
    .OneStep(Steps == 1),
    .Stages(1),
    .Loaded(Loaded),
    .Initial(Initial),
    .CarryCell(CarryCell)
  ) dut (
    .clk_i          (clk),
    .rst_ni         (rst_n),
    .inputs_i       (encoded),
    .valid_i        (valid),
    .first_i        (first),
    .last_i         (last),
    .word_i         (word),
    .parities_i     (initial_value[0]),
    .initial_i      (first[1] ? start : {Bits{1'b0}}),
    .early_initial_i({Bits{1'b0}}),
    .sums_o         (sums)
  );

  // The inputs of the step in stage 0, the parity of the weights before it, and how many bits are equal.
  reg [Simd-1:0] taken;
  reg [Bits-1:0] added, equal, total;
  reg before;
  wire from = Loaded != 0 & first[0] ? initial_value[0] : before;
  wire [Simd:0] parities = {word, from};
  wire [Simd-1:0] is_equal = taken ^ word ^ parities[Simd-1:0];
  wire [Bits-1:0] sum = (Loaded != 0 & first[1] ? start : total) + equal;
  integer i;
  always @* begin
    added = 0;
    for (i = 0; i < Simd; i = i + 1) added = added + is_equal[i];
  end
  always @(posedge clk) begin
    taken <= x;
    equal <= added;
    if (!rst_n | (valid[0] & last[0])) before <= Initial[0];
    else if (valid[0]) before <= word[Simd-1];
    if (!rst_n | (valid[1] & last[1])) total <= Loaded != 0 ? 0 : Initial;
    else if (valid[1]) total <= sum;
  end

  assign bad = valid[1] & sum != sums;
  assign last_sum = valid[1] & last[1];
endmodule
