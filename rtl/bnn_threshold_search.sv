// SPDX-License-Identifier: Apache-2.0
// Searches for the number of thresholds that a value reaches: one comparison per cycle, each with a memory of its own.
//
// Stage s has found the highest s bits of the count; the next one is whether the value reaches the threshold in the middle of
// those that are left, which is word {word, bits found} of the memory of the stage. So values follow each other without a gap,
// and the memories together hold each threshold once. A channel's thresholds ascend, and those beyond Levels are above all
// values; the last stage's words have a direction bit on top, 1 for a channel that counts the thresholds above the value.

`default_nettype none

module bnn_threshold_search #(
  // Bits of the value; at least 1.
  parameter int unsigned ValueBits     = 4,
  // 0: value and thresholds are unsigned; 1: two's complement.
  parameter int unsigned ValueSigned   = 0,
  // Thresholds of a channel; at least 1.
  parameter int unsigned Levels        = 3,
  // Bits of a threshold; at least ValueBits.
  parameter int unsigned ThresholdBits = 4,
  // Channels that take turns; at least 1.
  parameter int unsigned Words         = 1,
  // Bits of a channel's number; at least 1, and enough for Words.
  parameter int unsigned WordBits      = 1,
  // Bits of the count, at least 1; it is exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits    = 2,
  // Added to the count; any integer.
  parameter int          OutputOffset  = 0,
  // Words from which a memory is block RAM; 0 for none.
  parameter int unsigned BlockWords    = 0,
  // Start of the names of the files: of stage s is number First + s, in three digits, and ".mem" follows.
  parameter int unsigned First         = 0,
  parameter              Files         = ""
) (
  input  wire                  clk_i,
  // The channel of the value of the next cycle.
  input  wire [WordBits-1:0]   word_i,
  input  wire [ValueBits-1:0]  value_i,
  // The last comparison is one whose count is wanted: it stays until the next one.
  input  wire                  keep_i,
  output reg  [OutputBits-1:0] count_o
);

  if (ValueBits < 1 || Levels < 1 || Words < 1 || OutputBits < 1) begin : gen_check_sizes
    $error("bnn_threshold_search: ValueBits, Levels, Words and OutputBits must be at least 1");
  end
  if (ValueSigned > 1) begin : gen_check_signed
    $error("bnn_threshold_search: ValueSigned must be 0 or 1");
  end
  if (ThresholdBits < ValueBits) begin : gen_check_thresholds
    $error("bnn_threshold_search: ThresholdBits must be at least as many as the bits of the values that are compared");
  end

  localparam int unsigned Stages = $clog2(Levels + 1);
  localparam [ThresholdBits-1:0] SignBit = ThresholdBits'(ValueSigned) << (ThresholdBits - 1);

  wire [Stages*WordBits-1:0]      word;
  wire [Stages*ThresholdBits-1:0] value;
  // Bits found before a stage, the highest one lowest; and by it.
  wire [Stages*Stages-1:0]        found;
  wire [Stages-1:0]               is_reached;
  wire                            is_decreasing;
  for (genvar s = 0; s < Stages; s = s + 1) begin : gen_stage
    if (s == 0) begin : gen_first
      reg [ThresholdBits-1:0] extended;
      always @* begin
        extended = {ThresholdBits{(ValueSigned != 0) & value_i[ValueBits-1]}};
        extended[ValueBits-1:0] = value_i;
      end
      assign word[0+:WordBits] = word_i;
      assign value[0+:ThresholdBits] = extended ^ SignBit;
      assign found[0+:Stages] = '0;
    end else begin : gen_later
      reg [WordBits-1:0]      kept_word;
      reg [ThresholdBits-1:0] kept_value;
      reg [Stages-1:0]        kept_found;
      always @(posedge clk_i) begin
        kept_word <= word[(s-1)*WordBits+:WordBits];
        kept_value <= value[(s-1)*ThresholdBits+:ThresholdBits];
        kept_found <= found[(s-1)*Stages+:Stages] | Stages'(is_reached[s-1]) << (s - 1);
      end
      assign word[s*WordBits+:WordBits] = kept_word;
      assign value[s*ThresholdBits+:ThresholdBits] = kept_value;
      assign found[s*Stages+:Stages] = kept_found;
    end

    // The address is known one cycle before the value is compared: with the last bit found, which is not yet kept.
    localparam int unsigned AddressBits = Words > 1 || s == 0 ? WordBits + s : s;
    wire [AddressBits-1:0] address;
    if (Words > 1 || s == 0) begin : gen_word
      assign address[AddressBits-1-:WordBits] = word[s*WordBits+:WordBits];
    end
    for (genvar b = 0; b < s; b = b + 1) begin : gen_bit
      if (b == s - 1) begin : gen_last
        assign address[s-1-b] = is_reached[s-1];
      end else begin : gen_kept
        assign address[s-1-b] = found[(s-1)*Stages+b];
      end
    end

    localparam int unsigned Width = s == Stages - 1 ? ThresholdBits + 1 : ThresholdBits;
    localparam int unsigned Depth = Words << s;
    // "007.mem": ASCII digits begin at 48.
    localparam int unsigned Number = First + s;
    localparam [7*8-1:0] Suffix = {8'(48 + Number / 100), 8'(48 + Number / 10 % 10), 8'(48 + Number % 10), ".mem"};
    wire [Width-1:0] read;
    bnn_rom #(
      .Width(Width),
      .Words(Depth),
      .AddressBits(AddressBits),
      .Kind(BlockWords != 0 && Depth >= BlockWords ? "block" : "distributed"),
      .File({Files, Suffix})
    ) thresholds (
      .clk_i,
      .address_i(address),
      .data_o(read)
    );
    assign is_reached[s] = value[s*ThresholdBits+:ThresholdBits] >= (read[ThresholdBits-1:0] ^ SignBit);
    if (s == Stages - 1) begin : gen_direction
      assign is_decreasing = read[ThresholdBits];
    end
  end

  reg [Stages-1:0] count;
  integer b;
  always @* begin
    for (b = 0; b < Stages; b = b + 1) count[Stages-1-b] = found[(Stages-1)*Stages+b];
    count[0] = is_reached[Stages-1];
  end
  always @(posedge clk_i) begin
    if (keep_i) begin
      count_o <= OutputBits'(is_decreasing ? Stages'(Levels) - count : count) + OutputBits'(OutputOffset);
    end
  end

  wire unused = &{1'b0, found, word};

endmodule

`default_nettype wire
