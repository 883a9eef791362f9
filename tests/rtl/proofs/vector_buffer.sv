// A buffer and the steps that read it: one beat, any one, is read in each pass over its vector, as it came.

module proof #(
  parameter int unsigned Passes = 2, Steps = 2, Beats = 1, Banks = 2,
  parameter int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1,
  parameter int unsigned BeatBits = Steps * Beats > 1 ? $clog2(Steps * Beats) : 1
) (
  input wire clk, d, v, may_go, mark,
  output wire bad, read, full
);
  reg rst_n = 0;
  always @(posedge clk) rst_n <= 1;

  wire [StepBits-1:0] step;
  wire [Beats-1:0]    word;
  wire first_pass, last_pass, first_step, last_step, ready, valid;
  wire go = rst_n & may_go & valid;
  bnn_steps #(
    .Passes(Passes),
    .Steps(Steps)
  ) steps (
    .clk_i       (clk),
    .rst_ni      (rst_n),
    .go_i        (go),
    .step_o      (step),
    .first_pass_o(first_pass),
    .last_pass_o (last_pass),
    .first_step_o(first_step),
    .last_step_o (last_step)
  );
  bnn_vector_buffer #(
    .BeatBits(1),
    .Beats(Beats),
    .Words(Steps),
    .WordBits(StepBits),
    .Banks(Banks)
  ) dut (
    .clk_i       (clk),
    .rst_ni      (rst_n),
    .s_tdata_i   (d),
    .s_tvalid_i  (v & rst_n),
    .s_tready_o  (ready),
    .word_i      (step),
    .first_pass_i(first_pass),
    .last_pass_i (last_pass),
    .read_i      (go),
    .valid_o     (valid),
    .data_o      (word)
  );

  // The beat to come; vectors that have begun to come and are not done; the marked beat and the vectors before its own.
  reg [BeatBits-1:0] beat = 0, marked_beat = 0;
  reg [2:0] begun = 0, ahead = 0, idle = 0;
  reg marked = 0, value = 0, gone = 0;
  wire push = rst_n & v & ready;
  wire first = beat == 0;
  wire last = beat == Steps * Beats - 1;
  wire done = go & last_pass & last_step;
  always @(posedge clk) if (rst_n) begin
    if (push) beat <= last ? 0 : beat + 1;
    begun <= begun + (push & first) - done;
    if (push & mark & ~marked) begin
      marked <= 1;
      marked_beat <= beat;
      value <= d;
      ahead <= begun + first - 1 - done;
    end else if (marked & done) begin
      if (ahead == 0) gone <= 1;
      else ahead <= ahead - 1;
    end
    idle <= may_go & ~valid & begun > 1 ? idle + 1 : 0;
  end

  wire hit = go & marked & ~gone & ahead == 0 & step == marked_beat / Beats;
  wire seen = word >> (marked_beat % Beats);
  // A word is there once all its beats have come, and not before; there is room where there is no vector.
  wire early = go & (begun == 0 | (begun == 1 & beat != 0 & step * Beats + Beats > beat));
  assign bad = rst_n & ((hit & seen != value) | early | begun > Banks + 2 | idle > 2 | (begun == 0 & ~ready));
  assign read = rst_n & hit & last_pass;
  assign full = rst_n & ~ready;
endmodule
