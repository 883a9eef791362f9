// Accumulators in DSP slices: their sums are those of registers, modulo what has as many bits, whatever is in the other lanes.

module proof #(
  parameter int unsigned PE = 3, Bits = 4, CountBits = 2
) (
  input wire clk, valid, first,
  input wire [PE*CountBits-1:0] counts,
  input wire [PE*Bits-1:0] initial_values,
  output wire bad, overflow
);
  wire [PE*Bits-1:0] sums;
  bnn_dsp_accumulators #(
    .PE(PE),
    .Bits(Bits),
    .CountBits(CountBits)
  ) dut (
    .clk_i    (clk),
    .valid_i  (valid),
    .first_i  (first),
    .counts_i (counts),
    .initial_i(initial_values),
    .sums_o   (sums)
  );

  reg has_sum = 0, wrapped = 0;
  reg [PE*Bits-1:0] kept;
  reg [Bits:0] next [0:PE-1];
  integer p;
  always @* begin
    for (p = 0; p < PE; p = p + 1) begin
      next[p] = (first ? initial_values[p*Bits+:Bits] : kept[p*Bits+:Bits]) + counts[p*CountBits+:CountBits];
    end
  end
  always @(posedge clk) if (valid) begin
    has_sum <= has_sum | first;
    wrapped <= next[0][Bits] & has_sum & ~first;
    for (p = 0; p < PE; p = p + 1) kept[p*Bits+:Bits] <= next[p][Bits-1:0];
  end
  assign bad = has_sum & sums != kept;
  assign overflow = has_sum & wrapped;
endmodule
