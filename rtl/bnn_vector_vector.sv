// SPDX-License-Identifier: Apache-2.0
// The depthwise unit: for each channel, the dot product of a window's pixels with that channel's weights; PE channels per
// cycle, or whole pixels of several windows.
//
// A beat has SIMD pixels of each of Pixels windows. The pixels of a window come in Steps beats or, where a pixel has several
// beats (Chunks), in Steps * Chunks. A beat's products are added to the sum of their channel, which waits in a memory until
// the channel's next pixels come; with the last step it leaves, or is compared with its thresholds. In the xnor form (weights
// and inputs -1 and +1) the accumulator counts equal bits p, and the dot product is 2p - Steps * SIMD; a pixel that is
// flagged as 0 counts as half an equal bit, so with Flags all counts are doubled. There is a multiplier only where both sides
// have several bits.
//
// A place in the output queue is reserved when a beat of the last step enters, so the pipeline never stalls.

`default_nettype none

module bnn_vector_vector #(
  // Channels per cycle; at least 1.
  parameter int unsigned PE              = 1,
  // Beats of a pixel; at least 1.
  parameter int unsigned Chunks          = 1,
  // Beats of a window, for each Chunk; at least 1.
  parameter int unsigned Steps           = 9,
  // Pixels of a window in a beat; at least 1.
  parameter int unsigned SIMD            = 1,
  // Windows in a beat; at least 1, and more than 1 only where Steps and Chunks are 1.
  parameter int unsigned Pixels          = 1,
  // 1: weights are -1 and +1, stored as 0 and 1; more: two's complement.
  parameter int unsigned WeightBits      = 1,
  // 1: inputs are -1 and +1, stored as 0 and 1 in one bit; else 0.
  parameter int unsigned InputBipolar    = 1,
  // Bits of an input; at least 1.
  parameter int unsigned InputBits       = 1,
  // 0: other inputs are unsigned; 1: two's complement.
  parameter int unsigned InputSigned     = 0,
  // 0, or 1 where a flag for each pixel of a beat, above the elements, says that all of it is 0, whatever its bits.
  parameter int unsigned Flags           = 0,
  // Bits of an accumulator, at least 1; enough for the count of equal bits (xnor, unsigned), else for the dot product.
  parameter int unsigned AccumulatorBits = 4,
  // Thresholds of a channel; 0 for dot products.
  parameter int unsigned Levels          = 1,
  // How sums become results, with the bits of that form, see bnn_requantizer; thresholds have at least AccumulatorBits.
  parameter              Requantizer     = "comparators",
  parameter int unsigned ThresholdBits   = 4,
  parameter int unsigned FactorBits      = 0,
  parameter int unsigned SumBits         = 1,
  parameter int unsigned Shift           = 0,
  parameter int unsigned Ties            = 0,
  // Bits of a result, at least 1; results are exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits      = 1,
  // Added to the count of thresholds; any integer.
  parameter int          OutputOffset    = 0,
  // Registers in front of the accumulators: 0; 1 behind the sums of a beat's products; 2, and one behind each product.
  parameter int unsigned ProductStages   = 0,
  // Beats that the output queue holds; at least 2, and the latency + 1 for one beat per cycle.
  parameter int unsigned QueueDepth      = 2,
  // Kind of the weight memory: "block" or "distributed".
  parameter              MemoryKind      = "distributed",
  // File of the weights: for each step and chunk a word with the weights of PE channels for each of SIMD pixels.
  parameter              Weights         = "",
  // For a few words in LUTs of Xilinx devices, the words of weights and thresholds as tables; see bnn_rom.
  parameter              WeightsLuts     = 1'b0,
  parameter              ThresholdsLuts  = 1'b0,
  // Kind of the memory of thresholds: "block" or "distributed".
  parameter              ThresholdMemory = "distributed",
  // File of the thresholds: for each chunk a word with a row for each of PE channels, see bnn_requantizer.
  parameter              Thresholds      = ""
) (
  input  wire                                                       clk_i,
  input  wire                                                       rst_ni,
  input  wire [Pixels*SIMD*PE*InputBits+(Flags!=0?Pixels*SIMD:0)-1:0] s_tdata_i,
  input  wire                                                       s_tvalid_i,
  output wire                                                       s_tready_o,
  output wire [Pixels*PE*OutputBits-1:0]                            m_tdata_o,
  output wire                                                       m_tvalid_o,
  input  wire                                                       m_tready_i
);

  if (PE < 1 || Chunks < 1 || Steps < 1 || SIMD < 1 || Pixels < 1) begin : gen_check_sizes
    $error("bnn_vector_vector: PE, Chunks, Steps, SIMD and Pixels must be at least 1");
  end
  if (WeightBits < 1 || InputBits < 1 || AccumulatorBits < 1 || OutputBits < 1) begin : gen_check_bits
    $error("bnn_vector_vector: WeightBits, InputBits, AccumulatorBits and OutputBits must be at least 1");
  end
  if (InputBipolar > 1 || InputSigned > 1 || Flags > 1) begin : gen_check_flags
    $error("bnn_vector_vector: InputBipolar, InputSigned and Flags must be 0 or 1");
  end
  if (InputBipolar != 0 && InputBits != 1) begin : gen_check_bipolar
    $error("bnn_vector_vector: inputs of -1 and +1 have 1 bit");
  end
  if (Pixels > 1 && (Steps > 1 || Chunks > 1)) begin : gen_check_pixels
    $error("bnn_vector_vector: several windows per beat need all their pixels in it");
  end
  if (ProductStages > 2) begin : gen_check_stages
    $error("bnn_vector_vector: ProductStages must be 0 to 2");
  end

  localparam Xnor = InputBipolar != 0 && WeightBits == 1;
  localparam int unsigned Words = Steps * Chunks;
  localparam int unsigned Outputs = Pixels * PE;
  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1;
  localparam int unsigned AddressBits = Words > 1 ? $clog2(Words) : 1;
  localparam [ChunkBits-1:0] LastChunk = ChunkBits'(Chunks - 1);

  // Steps.

  reg [ChunkBits-1:0]   chunk;
  reg [StepBits-1:0]    step;
  reg [AddressBits-1:0] address;

  wire last_step = step == StepBits'(Steps - 1);
  wire has_room;
  assign s_tready_o = ~last_step | has_room;
  wire go = s_tvalid_i & s_tready_o;

  always @(posedge clk_i) begin
    if (go) begin
      address <= address == AddressBits'(Words - 1) ? '0 : address + 1'b1;
      chunk   <= chunk == LastChunk ? '0 : chunk + 1'b1;
      if (chunk == LastChunk) step <= last_step ? '0 : step + 1'b1;
    end
    if (!rst_ni) begin
      address <= '0;
      chunk   <= '0;
      step    <= '0;
    end
  end

  wire [SIMD*PE*WeightBits-1:0] word;
  bnn_rom #(
    .Width(SIMD * PE * WeightBits),
    .Words(Words),
    .AddressBits(AddressBits),
    .Kind(MemoryKind),
    .File(Weights),
    .Luts(WeightsLuts)
  ) weights (
    .clk_i,
    .address_i(address),
    .data_o(word)
  );

  // One bit per stage: there is a beat in it, which belongs to the first or last step of a window.
  localparam int unsigned Sum = ProductStages;
  reg [Sum+1:0] valid;
  reg [Sum+1:0] first;
  reg [Sum+1:0] last;
  always @(posedge clk_i) begin
    valid <= {valid[Sum:0], go};
    first <= {first[Sum:0], step == '0};
    last  <= {last[Sum:0], last_step};
    if (!rst_ni) valid <= '0;
  end

  // Products of the beat that entered in the cycle before, and their sums over the pixels of each window.

  localparam int unsigned Elements = Pixels * SIMD * PE;
  reg [Elements*InputBits-1:0] operand;
  reg [Pixels*SIMD-1:0]        outside;
  always @(posedge clk_i) operand <= s_tdata_i[Elements*InputBits-1:0];
  if (Flags != 0) begin : gen_flag
    always @(posedge clk_i) outside <= s_tdata_i[Elements*InputBits+:Pixels*SIMD];
  end else begin : gen_no_flag
    always @(posedge clk_i) outside <= '0;
  end

  // With the xnor form a product is how often it counts, of two bits.
  localparam int unsigned ProductBits = Xnor ? 2 : InputBits + WeightBits;
  reg [Elements*ProductBits-1:0] made;
  integer v;
  integer p;
  integer t;
  reg [InputBits-1:0]          code;
  reg signed [InputBits:0]     value;
  reg signed [WeightBits-1:0]  weight;
  reg signed [ProductBits-1:0] product;
  reg                          is_equal;
  reg                          is_outside;
  always @* begin
    made = '0;
    product = '0;
    for (v = 0; v < Pixels; v = v + 1) begin
      for (t = 0; t < SIMD; t = t + 1) begin
        for (p = 0; p < PE; p = p + 1) begin
          code   = operand[((v*SIMD+t)*PE+p)*InputBits+:InputBits];
          value  = {(InputSigned != 0) & code[InputBits-1], code};
          weight = word[(t*PE+p)*WeightBits+:WeightBits];
          is_outside = outside[v*SIMD+t];
          is_equal = weight[0] == code[0];
          if (Xnor) begin
            product = ProductBits'(Flags != 0 ? {is_equal & ~is_outside, is_outside} : {1'b0, is_equal});
          end else begin
            if (WeightBits == 1) product = weight[0] ? ProductBits'(value) : -(ProductBits'(value));
            else if (InputBipolar != 0) product = code[0] ? ProductBits'(weight) : -(ProductBits'(weight));
            else product = weight * value;
            if (is_outside) product = '0;
          end
          made[((v*SIMD+t)*PE+p)*ProductBits+:ProductBits] = product;
        end
      end
    end
  end

  wire [Elements*ProductBits-1:0] factors;
  if (ProductStages > 1) begin : gen_factor_stage
    reg [Elements*ProductBits-1:0] kept_factors;
    always @(posedge clk_i) kept_factors <= made;
    assign factors = kept_factors;
  end else begin : gen_no_factor_stage
    assign factors = made;
  end

  reg [Outputs*AccumulatorBits-1:0] products;
  integer o;
  integer i;
  reg signed [ProductBits-1:0] factor;
  reg [AccumulatorBits-1:0]    total;
  always @* begin
    products = '0;
    factor = '0;
    for (o = 0; o < Outputs; o = o + 1) begin
      total = '0;
      for (i = 0; i < SIMD; i = i + 1) begin
        factor = factors[((o/PE*SIMD+i)*PE+o%PE)*ProductBits+:ProductBits];
        total  = total + (Xnor ? AccumulatorBits'($unsigned(factor)) : AccumulatorBits'(factor));
      end
      products[o*AccumulatorBits+:AccumulatorBits] = total;
    end
  end

  wire [Outputs*AccumulatorBits-1:0] terms;
  if (ProductStages != 0) begin : gen_product_stage
    reg [Outputs*AccumulatorBits-1:0] kept_products;
    always @(posedge clk_i) kept_products <= products;
    assign terms = kept_products;
  end else begin : gen_no_product_stage
    assign terms = products;
  end

  // Sums. Where other channels come between the steps of a channel, its sum waits in a memory.

  reg  [ChunkBits-1:0]          slot;
  reg  [Outputs*AccumulatorBits-1:0] sums;
  wire [Outputs*AccumulatorBits-1:0] so_far;
  reg  [Outputs*AccumulatorBits-1:0] next;

  integer s;
  always @* begin
    next = '0;
    for (s = 0; s < Outputs; s = s + 1) begin
      next[s*AccumulatorBits+:AccumulatorBits] =
        (first[Sum] ? '0 : so_far[s*AccumulatorBits+:AccumulatorBits]) + terms[s*AccumulatorBits+:AccumulatorBits];
    end
  end
  always @(posedge clk_i) begin
    if (valid[Sum]) begin
      sums <= next;
      slot <= slot == LastChunk ? '0 : slot + 1'b1;
    end
    if (!rst_ni) slot <= '0;
  end

  if (Chunks > 1) begin : gen_sums_memory
    (* ram_style = "distributed" *)
    reg [Outputs*AccumulatorBits-1:0] kept [0:Chunks-1];
    assign so_far = kept[slot];
    always @(posedge clk_i) begin
      if (valid[Sum]) kept[slot] <= next;
    end
  end else begin : gen_sums_register
    assign so_far = sums;
  end

  // Thresholds, or the dot products themselves.

  wire [Outputs*OutputBits-1:0] result;
  wire                          result_valid;

  if (Levels > 0) begin : gen_thresholds
    bnn_requantizer #(
      .Values(Outputs),
      .Rows(PE),
      .Words(Chunks),
      .ValueBits(AccumulatorBits),
      .ValueSigned(Xnor ? 0 : 1),
      .Levels(Levels),
      .Form(Requantizer),
      .ThresholdBits(ThresholdBits),
      .FactorBits(FactorBits),
      .SumBits(SumBits),
      .Shift(Shift),
      .Ties(Ties),
      .OutputBits(OutputBits),
      .OutputOffset(OutputOffset),
      .MemoryKind(ThresholdMemory),
      .File(Thresholds),
      .Luts(ThresholdsLuts)
    ) requantizer (
      .clk_i,
      .rst_ni,
      .announce_i(valid[Sum] & last[Sum]),
      .values_i  (sums),
      .results_o (result),
      .valid_o   (result_valid)
    );
  end else begin : gen_sums
    for (genvar c = 0; c < Outputs; c = c + 1) begin : gen_output
      if (Xnor) begin : gen_count
        assign result[c*OutputBits+:OutputBits] =
          OutputBits'({sums[c*AccumulatorBits+:AccumulatorBits], 1'b0} >> (Flags != 0 ? 1 : 0)) - OutputBits'(Steps * SIMD);
      end else begin : gen_sum
        assign result[c*OutputBits+:OutputBits] = OutputBits'(sums[c*AccumulatorBits+:AccumulatorBits]);
      end
    end
    assign result_valid = valid[Sum+1] & last[Sum+1];
    wire unused_thresholds = &{
      1'b0, Thresholds == "", ThresholdMemory == "", ThresholdsLuts, Requantizer == ""
    };
  end

  bnn_output_queue #(
    .Width(Outputs * OutputBits),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(go & last_step),
    .data_i   (result),
    .valid_i  (result_valid),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

  wire unused = &{1'b0, product, factor, weight, value, is_equal, first[Sum+1], valid[Sum+1], last};

endmodule

`default_nettype wire
