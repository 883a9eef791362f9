// SPDX-License-Identifier: Apache-2.0
// Maps sums or elements to results, by the step function of their channel.
//
// A word of the memory holds a row for each of Rows channels, the first in the lowest bits, with what the chosen form needs:
// thresholds (bnn_comparators) or a fixed-point step (bnn_fixed_point); a search (bnn_threshold_search) has memories of its own,
// whose words its results depend on, for each value. Value v of a cycle uses row v % Rows. Words follow
// each other as values come. The unit around it announces values one cycle ahead, which is when the memory is read, and gets
// the results a fixed number of cycles after the values. A result stays until the next one.

`default_nettype none

module bnn_requantizer #(
  // Values per cycle; at least 1.
  parameter int unsigned Values        = 1,
  // Rows of a word; a divisor of Values.
  parameter int unsigned Rows          = 1,
  // Words of the memory; at least 1.
  parameter int unsigned Words         = 1,
  // Bits of a value; at least 1.
  parameter int unsigned ValueBits     = 4,
  // 0: values are unsigned; 1: two's complement.
  parameter int unsigned ValueSigned   = 0,
  // Thresholds of a channel; at least 1.
  parameter int unsigned Levels        = 1,
  // "comparators": results follow one cycle after the values; "fixed_point": three, or two without factors; "search": as many
  // as counts have bits.
  parameter              Form          = "comparators",
  // Bits of a threshold, or of the offset of a fixed-point step.
  parameter int unsigned ThresholdBits = 4,
  // For fixed-point steps, see there.
  parameter int unsigned FactorBits    = 0,
  parameter int unsigned SumBits       = 1,
  parameter int unsigned Shift         = 0,
  parameter int unsigned Ties          = 0,
  // Bits of a result, at least 1; results are exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits    = 1,
  // Added to results; any integer.
  parameter int          OutputOffset  = 0,
  // Kind of the memory: "block" or "distributed"; with "block", a search has block RAM from BlockWords words on.
  parameter              MemoryKind    = "distributed",
  parameter int unsigned BlockWords    = 512,
  // File of the memory: Words words; or, for a search, the start of its files' names.
  parameter              File          = "",
  // The words as lookup tables, see bnn_rom; not for a search.
  parameter              Luts          = 1'b0
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  // Values come in the next cycle.
  input  wire                         announce_i,
  input  wire [Values*ValueBits-1:0]  values_i,
  output wire [Values*OutputBits-1:0] results_o,
  output wire                         valid_o
);

  if (Values < 1 || Rows < 1 || Values % Rows != 0) begin : gen_check_values
    $error("bnn_requantizer: Values must be at least 1, and Rows divide it");
  end

  /* verilator lint_off WIDTH */
  // Names differ in length.
  localparam Search = Form == "search";
  localparam FixedPoint = Form == "fixed_point";
  localparam Compare = Form == "comparators";
  /* verilator lint_on WIDTH */
  localparam int unsigned Stages = Search ? $clog2(Levels + 1) : !FixedPoint ? 1 : FactorBits > 0 ? 3 : 2;
  localparam int unsigned RowBits = FixedPoint ? ThresholdBits + FactorBits : Levels * ThresholdBits + 1;
  localparam int unsigned AddressBits = Words > 1 ? $clog2(Words) : 1;
  localparam [AddressBits-1:0] LastWord = AddressBits'(Words - 1);

  reg [AddressBits-1:0] address;
  always @(posedge clk_i) begin
    if (announce_i) address <= (address == LastWord) ? '0 : address + 1'b1;
    if (!rst_ni) address <= '0;
  end

  wire [Rows*RowBits-1:0] word;
  if (Search) begin : gen_no_rows
    assign word = '0;
    wire unused_word = &{1'b0, word, Luts};
  end else begin : gen_rows
    bnn_rom #(
      .Width(Rows * RowBits),
      .Words(Words),
      .AddressBits(AddressBits),
      .Kind(MemoryKind),
      .File(File),
      .Luts(Luts)
    ) rows (
      .clk_i,
      .address_i(address),
      .data_o(word)
    );
  end

  // One bit per stage, the values' own first: there are values or results in it.
  reg [Stages:0] valid;
  always @(posedge clk_i) begin
    valid <= {valid[Stages-1:0], announce_i};
    if (!rst_ni) valid <= '0;
  end
  assign valid_o = valid[Stages];

  if (Compare) begin : gen_comparators
    wire [Values*OutputBits-1:0] reached;
    for (genvar v = 0; v < Values; v = v + 1) begin : gen_value
      bnn_comparators #(
        .ValueBits(ValueBits),
        .ValueSigned(ValueSigned),
        .Levels(Levels),
        .ThresholdBits(ThresholdBits),
        .Constant(Words == 1 ? 1 : 0),
        .OutputBits(OutputBits),
        .OutputOffset(OutputOffset)
      ) comparators (
        .value_i(values_i[v*ValueBits+:ValueBits]),
        .row_i  (word[v%Rows*RowBits+:RowBits]),
        .count_o(reached[v*OutputBits+:OutputBits])
      );
    end
    reg [Values*OutputBits-1:0] results;
    always @(posedge clk_i) begin
      if (valid[0]) results <= reached;
    end
    assign results_o = results;
  end else if (FixedPoint) begin : gen_fixed_point
    for (genvar v = 0; v < Values; v = v + 1) begin : gen_value
      bnn_fixed_point #(
        .ValueBits(ValueBits),
        .ValueSigned(ValueSigned),
        .FactorBits(FactorBits),
        .OffsetBits(ThresholdBits),
        .SumBits(SumBits),
        .Shift(Shift),
        .Ties(Ties),
        .Levels(Levels),
        .OutputBits(OutputBits),
        .OutputOffset(OutputOffset)
      ) step (
        .clk_i,
        .value_i (values_i[v*ValueBits+:ValueBits]),
        .row_i   (word[v%Rows*RowBits+:RowBits]),
        .keep_i  (valid[Stages-1]),
        .result_o(results_o[v*OutputBits+:OutputBits])
      );
    end
  end else if (Search && Rows * Stages > 1000) begin : gen_check_files
    $error("bnn_requantizer: a search has at most 1000 memories, one for each row and bit of a count");
  end else if (Search) begin : gen_search
    for (genvar v = 0; v < Values; v = v + 1) begin : gen_value
      bnn_threshold_search #(
        .ValueBits(ValueBits),
        .ValueSigned(ValueSigned),
        .Levels(Levels),
        .ThresholdBits(ThresholdBits),
        .Words(Words),
        .WordBits(AddressBits),
        .OutputBits(OutputBits),
        .OutputOffset(OutputOffset),
        .BlockWords(MemoryKind == "block" ? BlockWords : 0),
        .First(v % Rows * Stages),
        .Files(File)
      ) search (
        .clk_i,
        .word_i (address),
        .value_i(values_i[v*ValueBits+:ValueBits]),
        .keep_i (valid[Stages-1]),
        .count_o(results_o[v*OutputBits+:OutputBits])
      );
    end
  end else begin : gen_check_form
    $error("bnn_requantizer: Form (Requantizer of the unit around it) must be \"comparators\", \"fixed_point\" or \"search\"");
  end

endmodule

`default_nettype wire
