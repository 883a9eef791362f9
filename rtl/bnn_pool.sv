// SPDX-License-Identifier: Apache-2.0
// Pooling: reduces the pixels of each window to one, PE channels per cycle, or whole pixels of several windows.
//
// A beat has SIMD pixels of each of Pixels windows. The pixels of a window come in Steps beats or, where a pixel has several
// beats (Chunks), in Steps * Chunks; an accumulator for each channel keeps the sum, the largest or the smallest so far, and
// with the last step it leaves. Codes of one bit compare as -1 and +1 do, so their largest is an OR and their smallest an
// AND. The smallest is what a maximum becomes when it moves behind a decreasing threshold.

`default_nettype none

module bnn_pool #(
  // Channels per cycle; at least 1.
  parameter int unsigned PE           = 1,
  // Beats of a pixel; at least 1.
  parameter int unsigned Chunks       = 1,
  // Beats of a window, for each Chunk; at least 1.
  parameter int unsigned Steps        = 4,
  // Pixels of a window in a beat; at least 1.
  parameter int unsigned SIMD         = 1,
  // Windows in a beat; at least 1, and more than 1 only where Steps and Chunks are 1.
  parameter int unsigned Pixels       = 1,
  // Bits of an element; at least 1.
  parameter int unsigned InputBits    = 1,
  // 1: elements are -1 and +1, stored as 0 and 1 in one bit; else 0.
  parameter int unsigned InputBipolar = 1,
  // 0: other elements are unsigned; 1: two's complement.
  parameter int unsigned InputSigned  = 0,
  // 0, or 1 where a flag for each pixel of a beat, above the elements, says that it lies outside the image and does not count.
  parameter int unsigned Flags        = 0,
  // 1: sums; 0: the largest, or the smallest where the memory Smallest says so.
  parameter int unsigned Sum          = 0,
  // Bits of a result; InputBits, and with Sum at least that: enough for the sums that occur.
  parameter int unsigned OutputBits   = 1,
  // Registers behind the reduction of a beat; 0 or 1.
  parameter int unsigned ReduceStages = 0,
  // Beats that the output queue holds; at least 2, and 3 + ReduceStages for one beat per cycle.
  parameter int unsigned QueueDepth   = 3,
  // File with Chunks words, a bit for each of PE channels: 1 for the smallest; "" where Sum is 1.
  parameter              Smallest     = ""
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

  if (PE < 1 || Chunks < 1 || Steps < 1 || SIMD < 1 || Pixels < 1 || InputBits < 1) begin : gen_check_sizes
    $error("bnn_pool: PE, Chunks, Steps, SIMD, Pixels and InputBits must be at least 1");
  end
  if (InputBipolar > 1 || InputSigned > 1 || Flags > 1 || Sum > 1) begin : gen_check_flags
    $error("bnn_pool: InputBipolar, InputSigned, Flags and Sum must be 0 or 1");
  end
  if (InputBipolar == 1 && InputBits != 1) begin : gen_check_bipolar
    $error("bnn_pool: inputs of -1 and +1 have 1 bit");
  end
  if (OutputBits < InputBits || (Sum == 0 && OutputBits != InputBits)) begin : gen_check_output
    $error("bnn_pool: OutputBits must be InputBits, or at least that for sums");
  end
  if (Pixels > 1 && (Steps > 1 || Chunks > 1)) begin : gen_check_pixels
    $error("bnn_pool: several windows per beat need all their pixels in it");
  end
  if (ReduceStages > 1) begin : gen_check_stages
    $error("bnn_pool: ReduceStages must be 0 or 1");
  end

  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1;
  localparam int unsigned Outputs = Pixels * PE;

  reg [ChunkBits-1:0] chunk;
  reg [StepBits-1:0]  step;

  wire last_chunk = chunk == ChunkBits'(Chunks - 1);
  wire last_step  = step == StepBits'(Steps - 1);

  wire has_room;
  assign s_tready_o = ~last_step | has_room;
  wire go = s_tvalid_i & s_tready_o;

  always @(posedge clk_i) begin
    if (go) begin
      chunk <= last_chunk ? '0 : chunk + 1'b1;
      if (last_chunk) step <= last_step ? '0 : step + 1'b1;
    end
    if (!rst_ni) begin
      chunk <= '0;
      step  <= '0;
    end
  end

  // A bit for each channel, read in the cycle in which it is needed.
`ifdef YOSYS
  (* rom_style = "logic" *)
`else
  (* rom_style = "distributed" *)
`endif
  reg [PE-1:0] directions [0:Chunks-1];
  initial begin
    if (Smallest != "") $readmemh(Smallest, directions);
  end
  wire [PE-1:0] smallest = Sum != 0 ? '0 : directions[chunk];

  // The neutral element of each: 0, the lowest or the highest code.
  localparam [OutputBits-1:0] LowestCode =
    Sum != 0 ? '0 : InputSigned != 0 ? {1'b1, {(OutputBits-1){1'b0}}} : '0;
  localparam SignBit = Sum != 0 ? InputSigned != 0 : 1'b0;
  localparam int unsigned FirstFlag = Pixels * SIMD * PE * InputBits;
  localparam int unsigned BeatBits = FirstFlag + (Flags != 0 ? Pixels * SIMD : 0);

  // The reduction of the pixels of a beat.
  reg [Outputs*OutputBits-1:0] reduced;
  integer o;
  integer p;
  integer t;
  reg [OutputBits-1:0] best;
  reg [OutputBits-1:0] element;
  reg                  is_less;
  always @* begin
    reduced = '0;
    for (o = 0; o < Pixels; o = o + 1) begin
      for (p = 0; p < PE; p = p + 1) begin
        best = LowestCode ^ {OutputBits{smallest[p]}};
        for (t = 0; t < SIMD; t = t + 1) begin
          element = {OutputBits{SignBit & s_tdata_i[((o*SIMD+t)*PE+p+1)*InputBits-1]}};
          element[InputBits-1:0] = s_tdata_i[((o*SIMD+t)*PE+p)*InputBits+:InputBits];
          // -1 and +1 as numbers.
          if (Sum != 0 && InputBipolar != 0) element = element[0] ? OutputBits'(1) : '1;
          // Order of the codes; two's complement ones with their sign bit inverted.
          is_less = (element ^ LowestCode) < (best ^ LowestCode);
          if (Flags == 0 || !s_tdata_i[(FirstFlag+o*SIMD+t)%BeatBits]) begin
            if (Sum != 0) best = best + element;
            else if (is_less == smallest[p]) best = element;
          end
        end
        reduced[(o*PE+p)*OutputBits+:OutputBits] = best;
      end
    end
  end

  wire [Outputs*OutputBits-1:0] term;
  wire                          term_valid;
  wire                          term_first;
  wire                          term_last;
  wire [ChunkBits-1:0]          term_chunk;
  wire [PE-1:0]                 term_smallest;
  if (ReduceStages != 0) begin : gen_reduce_stage
    reg [Outputs*OutputBits-1:0] kept_term;
    reg                          kept_valid;
    reg                          kept_first;
    reg                          kept_last;
    reg [ChunkBits-1:0]          kept_chunk;
    reg [PE-1:0]                 kept_smallest;
    always @(posedge clk_i) begin
      kept_term     <= reduced;
      kept_valid    <= go & rst_ni;
      kept_first    <= step == '0;
      kept_last     <= last_step;
      kept_chunk    <= chunk;
      kept_smallest <= smallest;
    end
    assign {term, term_valid, term_first, term_last} = {kept_term, kept_valid, kept_first, kept_last};
    assign {term_chunk, term_smallest} = {kept_chunk, kept_smallest};
  end else begin : gen_no_reduce_stage
    assign {term, term_valid, term_first, term_last} = {reduced, go, step == '0, last_step};
    assign {term_chunk, term_smallest} = {chunk, smallest};
  end

  // The reduction of the beats of a window.
  (* ram_style = "distributed" *)
  reg [Outputs*OutputBits-1:0] kept [0:Chunks-1];
  wire [Outputs*OutputBits-1:0] so_far = kept[term_chunk];
  reg  [Outputs*OutputBits-1:0] after;
  reg  [Outputs*OutputBits-1:0] result;
  reg                           sent;

  integer r;
  integer c;
  reg [OutputBits-1:0] old;
  reg [OutputBits-1:0] next;
  reg                  comes_first;
  always @* begin
    after = term;
    for (r = 0; r < Pixels; r = r + 1) begin
      for (c = 0; c < PE; c = c + 1) begin
        old = so_far[(r*PE+c)*OutputBits+:OutputBits];
        next = term[(r*PE+c)*OutputBits+:OutputBits];
        comes_first = (next ^ LowestCode) < (old ^ LowestCode);
        if (Sum != 0) next = old + next;
        else if (comes_first != term_smallest[c]) next = old;
        if (!term_first) after[(r*PE+c)*OutputBits+:OutputBits] = next;
      end
    end
  end

  always @(posedge clk_i) begin
    if (term_valid) kept[term_chunk] <= after;
    result <= after;
    sent   <= term_valid & term_last & rst_ni;
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
    .valid_i  (sent),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
