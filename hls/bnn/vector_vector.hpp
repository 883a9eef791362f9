// SPDX-License-Identifier: Apache-2.0
// Vector-vector: a dot product for each channel by itself, over the pixels of a window (a depthwise convolution).
//
// The pixels of a window come one after the other, each with all its channels; an accumulator for each channel sums
// them, each times its weight. In the xnor form (weights and inputs of -1 and +1) the unit counts the inputs equal to
// their weights, p, and the dot product is 2p - Taps; with flags, equal inputs count 2 and those outside the image 1.
#ifndef BNN_VECTOR_VECTOR_HPP_
#define BNN_VECTOR_VECTOR_HPP_

#include "table.hpp"
#include "threshold.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bnn {

/// The vector-vector unit, for one frame.
///
/// Channels          of a pixel
/// Windows           of a frame
/// Taps              pixels of a window
/// PE                channels a beat
/// WeightBits        1: weights of -1 and +1, stored as 0 and 1; more: two's complement
/// InputBits, InputBipolar, InputSigned   the elements taken; bipolar ones are -1 and +1, stored as 0 and 1
/// Flagged           1: a flag above the elements says that the beat lies outside the image and counts as 0
/// AccumulatorBits   of the registers that count or sum
/// Levels            thresholds of a channel; 0: the unit makes the dot products themselves
/// OutputBits, OutputOffset   the elements made; the offset is added to the count of thresholds
///
/// `weights` [Taps * Channels / PE][PE], word tap * Channels / PE + beat of the pixel. `tables`, if Levels > 0:
/// thresholds [Channels / PE][PE][Levels] and decreasing [Channels / PE][PE], as in threshold.hpp, on what the
/// accumulator holds.
template <unsigned Channels, unsigned Windows, unsigned Taps, unsigned PE, unsigned WeightBits, bool InputBipolar,
          unsigned InputBits, bool InputSigned, bool Flagged, unsigned AccumulatorBits, unsigned Levels,
          unsigned OutputBits, int OutputOffset, class Weight, std::size_t Words, std::size_t Lanes, class... Tables>
void vector_vector(hls::stream<word<PE * InputBits + Flagged>>& in, hls::stream<word<PE * OutputBits>>& out,
                   const Weight (&weights)[Words][Lanes], const Tables&... tables) {
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(!InputBipolar || InputBits == 1, "inputs of -1 and +1 have one bit");
    static_assert(WeightBits >= 1 && WeightBits <= 16, "weights have 1 to 16 bits");
    static_assert(AccumulatorBits >= 1 && AccumulatorBits <= 62, "the accumulator has 1 to 62 bits");
    static_assert(sizeof...(Tables) == (Levels > 0 ? 2 : 0),
                  "with Levels > 0 the unit takes two tables, thresholds and decreasing; without, none");
    constexpr bool Xnor = InputBipolar && WeightBits == 1;
    constexpr unsigned chunks = Channels / PE;
    static_assert(Words == Taps * chunks, "the weights must have one word for each beat of a window");
    static_assert(Lanes == PE, "a word of weights must have PE entries");
    using Accumulator = std::conditional_t<Xnor, ap_uint<AccumulatorBits>, ap_int<AccumulatorBits>>;

    Accumulator accumulators[chunks][PE];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=accumulators complete dim=2)
    BNN_PRAGMA(HLS DEPENDENCE variable=accumulators type=inter direction=RAW distance=chunks dependent=true)

    unsigned chunk = 0;
    unsigned tap = 0;
    unsigned word_index = 0;
    for (unsigned beat = 0; beat < Windows * Taps * chunks; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits + Flagged> x(in.read());
        const bool outside = Flagged && x.template get<1>(PE * InputBits + Flagged - 1) != 0;
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code = x.template get<InputBits>(p * InputBits);
            const std::uint64_t weight = load<WeightBits>(weights[word_index][p]).chunk[0];
            std::int64_t term;
            if (Xnor) {
                term = outside ? 1 : code == weight ? 1 + Flagged : 0;
            } else {
                std::int64_t value = decode<InputBits, InputSigned>(code);
                if (InputBipolar) value = code != 0 ? 1 : -1;
                if (outside) value = 0;
                term = WeightBits == 1 ? (weight != 0 ? value : -value) : decode<WeightBits, true>(weight) * value;
            }
            const std::int64_t before = tap == 0 ? 0 : accumulators[chunk][p].to_int64();
            const Accumulator after = before + term;
            accumulators[chunk][p] = after;
            if (tap == Taps - 1) {
                const std::int64_t sum = after.to_int64();
                constexpr std::int64_t twice = Flagged ? 1 : 2;
                const std::int64_t result = Xnor && Levels == 0 ? twice * sum - static_cast<std::int64_t>(Taps) : sum;
                const std::uint64_t made =
                    detail::finish<AccumulatorBits, OutputBits, OutputOffset>(result, chunk, p, tables...);
                y.template set<OutputBits>(p * OutputBits, made);
            }
        }
        if (tap == Taps - 1) out.write(y.packed());

        word_index = word_index + 1 == Words ? 0 : word_index + 1;
        if (chunk == chunks - 1) {
            chunk = 0;
            tap = tap == Taps - 1 ? 0 : tap + 1;
        } else {
            ++chunk;
        }
    }
}

}  // namespace bnn

#endif
