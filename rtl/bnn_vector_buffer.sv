// SPDX-License-Identifier: Apache-2.0
// The input vectors of a unit that reads each of them in several passes: written in narrow beats, read in wide words.
//
// It takes the place of a width converter, a queue and a replay memory. A shift register collects the beats of a word, and the
// last of them goes to the memory together with those before it: a word costs one write, and the memory is one of wide words.
// The reader follows the writer: in the first pass, a word can be read in the cycle after its last beat has come.
//
// With two banks, the next vector is written to one while the other is read. One bank is enough behind a producer that can
// wait and then sends a word every cycle, as bnn_window does: the last pass frees word by word, and the next vector follows it.
// A vector of one word needs no memory: the shift register holds the next word, a register behind it the present one, which can
// be read one cycle later than from a memory. A spare beat is taken before the present word leaves, so that beats that come
// every cycle never wait.
//
// tready depends on registers only.

`default_nettype none

module bnn_vector_buffer #(
  // Bits of a beat; at least 1.
  parameter int unsigned BeatBits = 8,
  // Beats of a word, the first in its lowest bits; at least 1.
  parameter int unsigned Beats    = 1,
  // Words of a vector; at least 1.
  parameter int unsigned Words    = 4,
  // Vectors in the memory: 1 or 2; 1 if a vector has one word.
  parameter int unsigned Banks    = 2,
  // Bits of a word's number; at least 1, and enough for Words.
  parameter int unsigned WordBits = 2
) (
  input  wire                      clk_i,
  input  wire                      rst_ni,
  input  wire [BeatBits-1:0]       s_tdata_i,
  input  wire                      s_tvalid_i,
  output wire                      s_tready_o,
  // The word to read, whether in the first or in the last pass over its vector, and whether it is read in this cycle.
  input  wire [WordBits-1:0]       word_i,
  input  wire                      first_pass_i,
  input  wire                      last_pass_i,
  input  wire                      read_i,
  // Whether the word is there, and the word itself.
  output wire                      valid_o,
  output wire [BeatBits*Beats-1:0] data_o
);

  if (BeatBits < 1 || Beats < 1 || Words < 1 || WordBits < 1 || WordBits < $clog2(Words)) begin : gen_check_sizes
    $error("bnn_vector_buffer: BeatBits, Beats, Words and WordBits must be at least 1, and WordBits enough for Words");
  end
  if (Banks < 1 || Banks > 2 || (Words == 1 && Banks != 1)) begin : gen_check_banks
    $error("bnn_vector_buffer: Banks (InputBanks of the unit around it) must be 1 or 2, and 1 for vectors of one word");
  end

  localparam int unsigned Width = BeatBits * Beats;
  localparam [WordBits-1:0] LastWord = WordBits'(Words - 1);

  wire done = read_i & last_pass_i & (word_i == LastWord);

  // A beat that joins those before it, and the word of all of them, which it may complete.
  wire [BeatBits-1:0] beat;
  wire                enter;
  wire [Width-1:0]    collected;
  wire                complete;
  if (Beats > 1) begin : gen_beats
    // One bit marks the beat to come, so the counter needs no logic.
    reg [Beats-1:0]          turn;
    reg [Width-BeatBits-1:0] earlier;
    always @(posedge clk_i) begin
      if (enter) begin
        turn    <= {turn[Beats-2:0], turn[Beats-1]};
        earlier <= collected[Width-1:BeatBits];
      end
      if (!rst_ni) turn <= Beats'(1);
    end
    assign collected = {beat, earlier};
    assign complete  = enter & turn[Beats-1];
  end else begin : gen_word
    assign collected = beat;
    assign complete  = enter;
  end

  // How many vectors are there as a whole: at least one, and two.
  reg one;

  if (Words == 1) begin : gen_registers
    reg             next;
    reg [Width-1:0] next_word;
    reg [Width-1:0] word;

    wire blocked = next & one & ~done;
    wire move    = next & ~blocked;

    always @(posedge clk_i) begin
      if (enter) next_word <= collected;
      if (move) word <= next_word;
      next <= complete | blocked;
      one  <= next | (one & ~done);
      if (!rst_ni) begin
        next <= 1'b0;
        one  <= 1'b0;
      end
    end

    if (Beats > 1) begin : gen_spare
      reg                spare;
      reg [BeatBits-1:0] spare_beat;
      always @(posedge clk_i) begin
        spare <= (s_tvalid_i | spare) & blocked;
        if (!spare) spare_beat <= s_tdata_i;
        if (!rst_ni) spare <= 1'b0;
      end
      assign s_tready_o = ~spare;
      assign enter      = (s_tvalid_i | spare) & ~blocked;
      assign beat       = spare ? spare_beat : s_tdata_i;
    end else begin : gen_no_spare
      assign s_tready_o = ~(next & one);
      assign enter      = s_tvalid_i & s_tready_o;
      assign beat       = s_tdata_i;
    end

    assign valid_o = one;
    assign data_o  = word;
    wire unused = first_pass_i;
  end else begin : gen_memory
    assign enter = s_tvalid_i & s_tready_o;
    assign beat  = s_tdata_i;

    reg  [WordBits-1:0] write_word;
    wire                whole = complete & (write_word == LastWord);
    // While the reader is in the first pass over the vector that is being written, the writer is ahead of it.
    wire                apart = write_word != word_i;
    assign valid_o = ~first_pass_i | one | apart;

    always @(posedge clk_i) begin
      if (complete) write_word <= (write_word == LastWord) ? '0 : write_word + 1'b1;
      if (!rst_ni) write_word <= '0;
    end

    if (Banks == 2) begin : gen_banks
      (* ram_style = "distributed" *)
      reg [Width-1:0] words [0:2**WordBits+Words-1];
      reg             write_bank;
      reg             read_bank;
      reg             two;
      always @(posedge clk_i) begin
        if (complete) words[{write_bank, write_word}] <= collected;
        write_bank <= write_bank ^ whole;
        read_bank  <= read_bank ^ done;
        one        <= whole | two | (one & ~done);
        two        <= (two | (one & whole)) & ~done;
        if (!rst_ni) begin
          write_bank <= 1'b0;
          read_bank  <= 1'b0;
          one        <= 1'b0;
          two        <= 1'b0;
        end
      end
      assign s_tready_o = ~two;
      assign data_o     = words[{read_bank, word_i}];
    end else begin : gen_bank
      (* ram_style = "distributed" *)
      reg [Width-1:0] words [0:Words-1];
      always @(posedge clk_i) begin
        if (complete) words[write_word] <= collected;
        one <= whole | (one & ~done);
        if (!rst_ni) one <= 1'b0;
      end
      // In the last pass, the reader is ahead of the writer or at the same word.
      assign s_tready_o = ~one | (last_pass_i & apart);
      assign data_o     = words[word_i];
    end
  end

endmodule

`default_nettype wire
