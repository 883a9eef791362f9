// A unit with a threshold: the results of one vector, any one, are those that its weights and thresholds give, and no result
// is lost, made twice, changed while it waits, or late. Weights and thresholds are any.

module proof #(
  parameter int unsigned MH = 4, MW = 8, PE = 2, Simd = 4, Lanes = 2, Stages = 1,
  parameter int unsigned Bits = $clog2(MW + 3) + 1
) (
  input wire clk, v, r, mark,
  input wire [Lanes-1:0] d,
  output wire bad, done, full
);
  localparam int unsigned Passes = MH / PE;
  localparam int unsigned Steps = MW / Simd;
  localparam int unsigned Beats = MW / Lanes;

  reg rst_n = 0;
  always @(posedge clk) rst_n <= 1;

  wire [Passes*Steps*PE*Simd-1:0] weights = $anyconst;
  wire [Passes*PE*Bits-1:0] initials = $anyconst;
  wire sr, mv;
  wire [PE-1:0] md;
  bnn_matrix_vector #(
    .MW(MW),
    .MH(MH),
    .PE(PE),
    .SIMD(Simd),
    .InputLanes(Lanes),
    .AccumulatorBits($clog2(MW + 1)),
    .ThresholdBits(Bits),
    .PopcountStages(Stages),
    .MemoryKind("distributed")
  ) dut (
    .clk_i     (clk),
    .rst_ni    (rst_n),
    .s_tdata_i (d),
    .s_tvalid_i(v & rst_n),
    .s_tready_o(sr),
    .m_tdata_o (md),
    .m_tvalid_o(mv),
    .m_tready_i(r)
  );

  // The beat to come; results of vectors that have begun to come; those before the marked vector's, and of it.
  reg [7:0] beat = 0, owed = 0, ahead = 0, due = 0, idle = 0, stuck = 0;
  reg marked = 0, taking = 0, was = 0;
  reg [MW-1:0] x = 0;
  reg [PE-1:0] held = 0;
  wire push = rst_n & v & sr;
  wire pop = rst_n & mv & r;
  wire first = beat == 0;
  wire last = beat == Beats - 1;
  wire start = push & first & mark & ~marked;
  always @(posedge clk) if (rst_n) begin
    if (push) beat <= last ? 0 : beat + 1;
    owed <= owed + (push & first ? Passes : 0) - pop;
    if (start) begin
      marked <= 1;
      taking <= ~last;
      ahead <= owed - pop;
    end else if (pop & marked & ahead != 0) ahead <= ahead - 1;
    else if (pop & marked & due != Passes) due <= due + 1;
    if (push & taking & last) taking <= 0;
    if (start | (push & taking)) x[beat*Lanes+:Lanes] <= d;
    was <= mv & ~r;
    held <= md;
    idle <= v & ~sr & owed == 0 ? idle + 1 : 0;
    stuck <= r & ~mv & owed > Passes ? stuck + 1 : 0;
  end

  // What the pass must give: where the parity of the weights changes, a weight is -1.
  reg [Steps*PE*Simd-1:0] words;
  reg [PE*Bits-1:0] row;
  reg signed [Bits:0] sum;
  reg [PE-1:0] wanted;
  reg before, legal;
  integer p, i;
  always @* begin
    words = weights >> due * Steps * PE * Simd;
    row = initials >> due * PE * Bits;
    legal = 1;
    for (p = 0; p < PE; p = p + 1) begin
      sum = $signed(row[p*Bits+:Bits]);
      if (sum > 0 || sum < 0 - $signed(MW + 1)) legal = 0;
      before = row[p*Bits];
      for (i = 0; i < MW; i = i + 1) begin
        sum = sum + $signed({1'b0, x[i] ^ before ^ words[(i/Simd*PE+p)*Simd+i%Simd]});
        before = words[(i/Simd*PE+p)*Simd+i%Simd];
      end
      wanted[p] = sum >= 0;
    end
  end

  wire hit = pop & marked & ahead == 0 & due != Passes;
  wire wrong = (hit & legal & md != wanted) | (was & (~mv | md != held)) | (mv & owed == 0);
  assign bad = rst_n & (wrong | idle > 3 | stuck > Steps * Passes + Stages + 8);
  assign done = rst_n & due == Passes & legal;
  assign full = rst_n & v & ~sr & ~mv;
endmodule
