// A unit with a threshold: the results of one vector (or of one beat's), any one, are those that its weights and thresholds
// give, and no result is lost, made twice, changed while it waits, or late. Weights, thresholds and flags are any.

module proof #(
  parameter int unsigned MH = 4, MW = 8, PE = 2, Simd = 4, Lanes = 2, Stages = 1, WeightStages = 1, Pixels = 1, Flags = 0,
  parameter int unsigned ParityStages = 0,
  // Where a part is odd, all counts are doubled.
  parameter int unsigned Part = Flags > 0 ? Simd / Flags : Simd,
  parameter int unsigned Double = Flags > 0 && Part % 2 != 0 ? 1 : 0,
  parameter int unsigned Bits = $clog2((MW << Double) + 3) + 1
) (
  input wire clk, v, r, mark,
  input wire [Pixels*(Lanes+Flags)-1:0] d,
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
  wire [Pixels*PE-1:0] md;
  bnn_matrix_vector #(
    .MW(MW),
    .MH(MH),
    .PE(PE),
    .SIMD(Simd),
    .Pixels(Pixels),
    .InputLanes(Lanes),
    .InputBanks(Steps == 1 ? 1 : 2),
    .Flags(Flags),
    .AccumulatorBits($clog2((MW << Double) + 1)),
    .ThresholdBits(Bits),
    .PopcountStages(Stages),
    .WeightStages(WeightStages),
    .ParityStages(ParityStages),
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
  reg [Pixels*MW-1:0] x = 0;
  reg [(Flags>0 ? Pixels*Flags*Steps : 1)-1:0] outside = 0;
  reg [Pixels*PE-1:0] held = 0;
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
    if (start | (push & taking)) begin
      x[beat*Pixels*Lanes+:Pixels*Lanes] <= d[Pixels*Lanes-1:0];
      if (Flags > 0) outside[beat*Pixels*Flags+:Pixels*Flags] <= d >> Pixels * Lanes;
    end
    was <= mv & ~r;
    held <= md;
    idle <= v & ~sr & owed == 0 ? idle + 1 : 0;
    stuck <= r & ~mv & owed > Passes ? stuck + 1 : 0;
  end

  // What the pass must give: where the parity of the weights changes, a weight is -1.
  reg [Steps*PE*Simd-1:0] words;
  reg [PE*Bits-1:0] row;
  reg signed [Bits:0] sum;
  reg [Pixels*PE-1:0] wanted;
  reg before, legal, equal;
  integer n, p, i;
  always @* begin
    words = weights >> due * Steps * PE * Simd;
    row = initials >> due * PE * Bits;
    legal = 1;
    for (n = 0; n < Pixels; n = n + 1) begin
      for (p = 0; p < PE; p = p + 1) begin
        sum = $signed(row[p*Bits+:Bits]);
        if (sum > 0 || sum < 0 - $signed((MW << Double) + 1)) legal = 0;
        before = row[p*Bits];
        for (i = 0; i < MW; i = i + 1) begin
          if (Flags > 0 && i % Part == 0) before = 0;
          equal = x[n*MW+i] ^ before ^ words[(i/Simd*PE+p)*Simd+i%Simd];
          before = words[(i/Simd*PE+p)*Simd+i%Simd];
          // Outside, half of the inputs count.
          if (Flags > 0 && outside[(i/Simd*Pixels+n)*Flags+i%Simd/Part]) sum = sum + (Double != 0 || i % 2 != 0 ? 1 : 0);
          else sum = sum + (equal ? 1 << Double : 0);
        end
        wanted[n*PE+p] = sum >= 0;
      end
    end
  end

  wire hit = pop & marked & ahead == 0 & due != Passes;
  wire wrong = (hit & legal & md != wanted) | (was & (~mv | md != held)) | (mv & owed == 0);
  assign bad = rst_n & (wrong | idle > 3 | stuck > Steps * Passes + Stages + WeightStages + ParityStages + 7);
  assign done = rst_n & due == Passes & legal;
  assign full = rst_n & v & ~sr & ~mv;
endmodule
