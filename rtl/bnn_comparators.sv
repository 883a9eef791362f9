// SPDX-License-Identifier: Apache-2.0
// Compares a value with the thresholds of its channel: the number of those that it reaches, plus a constant.
//
// A channel's row holds its thresholds, the lowest first, then one direction bit: 0 counts value >= T (increasing), 1 counts
// value < T (decreasing), which is what a negative batch-norm scale turns a threshold into. Two's complement numbers are
// ordered as unsigned ones once their sign bits are inverted, so one unsigned comparator, as wide as a threshold, serves both.
// A row that never changes is compared by gates, one per bit, which shrink to a few LUTs, where a carry chain would not.
// There is no register here: the unit around it knows when a count is valid.

`default_nettype none

module bnn_comparators #(
  // Bits of the value; at least 1.
  parameter int unsigned ValueBits     = 4,
  // 0: value and thresholds are unsigned; 1: two's complement.
  parameter int unsigned ValueSigned   = 0,
  // Thresholds of a channel; at least 1.
  parameter int unsigned Levels        = 1,
  // Bits of a threshold; at least ValueBits. A threshold above all values may need one bit more than they have.
  parameter int unsigned ThresholdBits = 4,
  // 1: row_i is a constant; else 0.
  parameter int unsigned Constant      = 0,
  // Bits of the count, at least 1; it is exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits    = 1,
  // Added to the count; any integer.
  parameter int          OutputOffset  = 0
) (
  input  wire [ValueBits-1:0]          value_i,
  input  wire [Levels*ThresholdBits:0] row_i,
  output reg  [OutputBits-1:0]         count_o
);

  if (ValueBits < 1 || Levels < 1 || OutputBits < 1) begin : gen_check_sizes
    $error("bnn_comparators: ValueBits, Levels and OutputBits must be at least 1");
  end
  if (ValueSigned > 1 || Constant > 1) begin : gen_check_flags
    $error("bnn_comparators: ValueSigned and Constant must be 0 or 1");
  end
  if (ThresholdBits < ValueBits) begin : gen_check_thresholds
    $error("bnn_comparators: ThresholdBits must be at least as many as the bits of the values that are compared");
  end

  localparam [ThresholdBits-1:0] SignBit = ThresholdBits'(ValueSigned) << (ThresholdBits - 1);

  wire is_decreasing = row_i[Levels*ThresholdBits];

  integer l;
  reg [ThresholdBits-1:0] value;
  reg [ThresholdBits-1:0] threshold;
  reg                     reached;
`ifdef SYNTHESIS
  integer b;
`endif
  always @* begin
    value = {ThresholdBits{(ValueSigned != 0) & value_i[ValueBits-1]}};
    value[ValueBits-1:0] = value_i;
    value = value ^ SignBit;
    count_o = OutputBits'(OutputOffset);
    for (l = 0; l < Levels; l = l + 1) begin
      threshold = row_i[l*ThresholdBits+:ThresholdBits] ^ SignBit;
      reached = value >= threshold;
`ifdef SYNTHESIS
      if (Constant != 0) begin
        // Bits from the lowest: at each, the value must have a 1 that the threshold has, and wins by a 1 that it has not.
        reached = 1'b1;
        for (b = 0; b < ThresholdBits; b = b + 1) begin
          reached = threshold[b] ? value[b] & reached : value[b] | reached;
        end
      end
`endif
      count_o = count_o + OutputBits'(reached ^ is_decreasing);
    end
  end

endmodule

`default_nettype wire
