// SPDX-License-Identifier: Apache-2.0
// A quantizer as a fixed-point step: (factor * value + offset + e) >> Shift, cut to 0 ... Levels, plus a constant.
//
// A channel's row holds its offset and, above it, its factor, both in two's complement. e decides ties: a sum that is just
// below a multiple of 2 ** Shift reaches it if that gives a result with the right lowest bit. So e is a bit of the sum itself,
// which is added at the lowest place. The stages are those of a DSP slice, product and sum, and one for the rest; where all
// factors are 1, there is no product.

`default_nettype none

module bnn_fixed_point #(
  // Bits of the value; at least 1.
  parameter int unsigned ValueBits    = 4,
  // 0: the value is unsigned; 1: two's complement.
  parameter int unsigned ValueSigned  = 0,
  // Bits of a factor; 0 if all factors are 1.
  parameter int unsigned FactorBits   = 2,
  // Bits of an offset; at least 1.
  parameter int unsigned OffsetBits   = 4,
  // Bits of the sum, with e: more than Shift, at least OffsetBits, and enough for all sums that occur.
  parameter int unsigned SumBits      = 6,
  // Bits of the sum that are cut off; any number.
  parameter int unsigned Shift        = 2,
  // 0: e is 0; 1: ties go to even results before OutputOffset is added; 2: to odd ones.
  parameter int unsigned Ties         = 0,
  // The largest result before OutputOffset is added; at least 1.
  parameter int unsigned Levels       = 3,
  // Bits of the result, at least 1; it is exact modulo 2 ** OutputBits.
  parameter int unsigned OutputBits   = 2,
  // Added to the result; any integer.
  parameter int          OutputOffset = 0
) (
  input  wire                             clk_i,
  input  wire [ValueBits-1:0]             value_i,
  input  wire [OffsetBits+FactorBits-1:0] row_i,
  // The sum is one whose result is wanted: it stays until the next one.
  input  wire                             keep_i,
  output reg  [OutputBits-1:0]            result_o
);

  if (ValueBits < 1 || OffsetBits < 1 || Levels < 1 || OutputBits < 1) begin : gen_check_sizes
    $error("bnn_fixed_point: ValueBits, OffsetBits, Levels and OutputBits must be at least 1");
  end
  if (ValueSigned > 1 || Ties > 2) begin : gen_check_modes
    $error("bnn_fixed_point: ValueSigned must be 0 or 1, and Ties 0 to 2");
  end
  if (SumBits <= Shift || SumBits < OffsetBits) begin : gen_check_sum
    $error("bnn_fixed_point: SumBits must be more than Shift and at least OffsetBits");
  end

  // Product and sum, modulo 2 ** SumBits.

  localparam int unsigned OperandBits = ValueSigned != 0 ? ValueBits : ValueBits + 1;
  wire signed [OperandBits-1:0] value = OperandBits'(value_i);
  wire signed [OffsetBits-1:0]  offset = row_i[OffsetBits-1:0];
  reg         [SumBits-1:0]     sum;
  // Narrower products are made of LUTs.
  localparam int unsigned SoftBits = 9;
  if (FactorBits > 0) begin : gen_product
    localparam int unsigned ProductBits = FactorBits + OperandBits < SumBits ? FactorBits + OperandBits : SumBits;
    wire signed [FactorBits-1:0]  factor = row_i[OffsetBits+:FactorBits];
    reg signed  [ProductBits-1:0] product;
    reg signed  [OffsetBits-1:0]  kept_offset;
    wire signed [ProductBits-1:0] factor_value;
    if (ProductBits < SoftBits) begin : gen_soft
      // Some tools make a multiplier of any "*".
      integer b;
      reg signed [ProductBits-1:0] partial_sum;
      always @* begin
        partial_sum = '0;
        for (b = 0; b < FactorBits - 1; b = b + 1) begin
          if (factor[b]) partial_sum = partial_sum + (ProductBits'(value) <<< b);
        end
        if (factor[FactorBits-1]) partial_sum = partial_sum - (ProductBits'(value) <<< (FactorBits - 1));
      end
      assign factor_value = partial_sum;
    end else begin : gen_multiplier
      assign factor_value = ProductBits'(factor) * ProductBits'(value);
    end
    always @(posedge clk_i) begin
      product     <= factor_value;
      kept_offset <= offset;
      sum         <= SumBits'(product) + SumBits'(kept_offset);
    end
  end else begin : gen_value
    always @(posedge clk_i) sum <= SumBits'(value) + SumBits'(offset);
  end

  // The bits above the point, one more where a tie demands it, and the cut.

  localparam int unsigned CountBits = $clog2(Levels + 1);
  localparam int unsigned WholeBits = SumBits - Shift > CountBits + 2 ? SumBits - Shift : CountBits + 2;
  wire is_tie_up;
  if (Ties == 0) begin : gen_no_ties
    assign is_tie_up = 1'b0;
    wire unused_fraction = &{1'b0, sum};
  end else if (Shift == 0) begin : gen_ties_of_integers
    assign is_tie_up = sum[0] ^ (Ties == 2);
  end else begin : gen_ties
    assign is_tie_up = &sum[Shift-1:0] & (sum[Shift] ^ (Ties == 2));
  end
  wire [WholeBits-1:0] whole = WholeBits'($signed(sum[SumBits-1:Shift])) + WholeBits'(is_tie_up);
  wire [CountBits-1:0] count = whole[CountBits-1:0];
  wire                 is_negative = whole[WholeBits-1];
  wire                 is_above;
  if (Levels + 1 == 1 << CountBits) begin : gen_all_codes
    assign is_above = |whole[WholeBits-2:CountBits];
  end else begin : gen_some_codes
    assign is_above = |whole[WholeBits-2:CountBits] | (count > CountBits'(Levels));
  end
  always @(posedge clk_i) begin
    if (keep_i) result_o <= OutputBits'(is_negative ? '0 : is_above ? CountBits'(Levels) : count) + OutputBits'(OutputOffset);
  end

endmodule

`default_nettype wire
