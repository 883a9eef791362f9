// SPDX-License-Identifier: Apache-2.0
// Vector-vector: a dot product for each channel by itself, over the pixels of a window (a depthwise convolution).
//
// The pixels of a window come one after the other, each with all its channels, or several at once; an accumulator for
// each channel sums them, each times its weight. In the xnor form (weights and inputs are -1 and +1) the unit counts
// the inputs equal to their weights, p, and the dot product is 2p - Taps; with flags, an equal input counts as 2 and
// one outside the image as 1, so the dot product is the count less Taps.
#ifndef BNN_VECTOR_VECTOR_HPP_
#define BNN_VECTOR_VECTOR_HPP_

#include "requantizer.hpp"
#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bnn {

/// The vector-vector unit, for one frame.
///
/// Channels          channels of a pixel, at least 1
/// Windows           windows of a frame, at least 1
/// Taps              pixels of a window, at least 1
/// PE                channels of a pixel in a beat, a divisor of Channels
/// SIMD              pixels of a window in a beat, a divisor of Taps, PE channels of each
/// Pixels            windows of a beat, a divisor of Windows; more than one needs SIMD = Taps and PE = Channels
/// WeightBits        1: weights are -1 and +1, stored as 0 and 1; 2 to 16: in two's complement
/// InputBipolar      1: input elements are -1 and +1, stored as 0 and 1, of one bit
/// InputBits         bits of an input element, 1 to 32
/// InputSigned       1: input elements are in two's complement
/// Flagged           1: above the elements, a flag for each pixel says that it lies outside the image and counts as 0
/// AccumulatorBits   bits of an accumulator, 1 to 62: unsigned in the xnor form, else in two's complement
/// Levels            thresholds of a channel; 0: the outputs are the dot products
/// OutputBits        bits of an output element, 1 to 64
/// OutputOffset      what is added to the count of thresholds
/// Requantizer       how thresholds are counted: `comparators`, `fixed_point` or `search`, of requantizer.hpp
/// FactorBits, SumBits, Shift, Ties   of a fixed-point step; 0 in the other forms
///
/// `weights` [Taps / SIMD * Channels / PE][SIMD * PE], word step * Channels / PE + beat of the pixel. `tables`, if
/// Levels > 0: those of the form, with Channels / PE words of PE lanes, for the content of the accumulator.
template <unsigned Channels, unsigned Windows, unsigned Taps, unsigned PE, unsigned SIMD, unsigned Pixels,
          unsigned WeightBits, bool InputBipolar, unsigned InputBits, bool InputSigned, bool Flagged,
          unsigned AccumulatorBits, unsigned Levels, unsigned OutputBits, int OutputOffset,
          unsigned Requantizer = comparators, unsigned FactorBits = 0, unsigned SumBits = 0, unsigned Shift = 0,
          unsigned Ties = 0, class Weight, std::size_t Words, std::size_t Lanes, class... Tables>
void vector_vector(hls::stream<word<(PE * InputBits + Flagged) * SIMD * Pixels>>& in,
                   hls::stream<word<Pixels * PE * OutputBits>>& out, const Weight (&weights)[Words][Lanes],
                   const Tables&... tables) {
    static_assert(Channels >= 1 && Windows >= 1 && Taps >= 1, "a frame has at least one window of one pixel");
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(SIMD >= 1 && Taps % SIMD == 0, "SIMD must divide the pixels of a window");
    static_assert(Pixels == 1 || (SIMD == Taps && PE == Channels), "several windows per beat must be whole");
    static_assert(Pixels >= 1 && Windows % Pixels == 0, "the windows of a beat must divide those of a frame");
    static_assert(!InputBipolar || InputBits == 1, "inputs of -1 and +1 have one bit");
    static_assert(InputBits >= 1 && InputBits <= 32, "an element of a stream has 1 to 32 bits");
    static_assert(WeightBits >= 1 && WeightBits <= 16, "weights have 1 to 16 bits");
    static_assert(AccumulatorBits >= 1 && AccumulatorBits <= 62, "the accumulator has 1 to 62 bits");
    using Results = detail::sum_requantizer<Requantizer, AccumulatorBits, Levels, FactorBits, SumBits, Shift, Ties>;
    static_assert(sizeof...(Tables) == Results::tables, "the unit takes the tables of its requantizer, if it has one");
    constexpr bool Xnor = InputBipolar && WeightBits == 1;
    constexpr unsigned chunks = Channels / PE;
    constexpr unsigned steps = Taps / SIMD;
    constexpr unsigned elements = Pixels * SIMD * PE;
    constexpr unsigned outputs = Pixels * PE;
    constexpr unsigned beat_bits = (PE * InputBits + Flagged) * SIMD * Pixels;
    static_assert(Words == steps * chunks, "the weights must have one word for each beat of a window");
    static_assert(Lanes == SIMD * PE, "a word of weights must have SIMD * PE entries");
    using Accumulator = std::conditional_t<Xnor, ap_uint<AccumulatorBits>, ap_int<AccumulatorBits>>;

    Accumulator accumulators[chunks][outputs];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=accumulators complete dim=2)
    BNN_PRAGMA(HLS DEPENDENCE variable=accumulators type=inter direction=RAW distance=chunks dependent=true)

    unsigned chunk = 0;
    unsigned step = 0;
    unsigned word_index = 0;
    for (unsigned beat = 0; beat < Windows / Pixels * steps * chunks; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<beat_bits> x(in.read());
        bits<outputs * OutputBits> y;
        for (unsigned o = 0; o < outputs; ++o) {
            BNN_PRAGMA(HLS UNROLL)
            std::int64_t sum_of_beat = 0;
            for (unsigned tap = 0; tap < SIMD; ++tap) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned pixel = o / PE * SIMD + tap;
                const std::uint64_t code = x.template get<InputBits>((pixel * PE + o % PE) * InputBits);
                const std::uint64_t weight = load<WeightBits>(weights[word_index][tap * PE + o % PE]).chunk[0];
                const bool outside = Flagged && x.template get<1>((elements * InputBits + pixel) % beat_bits) != 0;
                if (Xnor) {
                    sum_of_beat += outside ? 1 : code == weight ? 1 + Flagged : 0;
                } else {
                    std::int64_t value = decode<InputBits, InputSigned>(code);
                    if (InputBipolar) value = code != 0 ? 1 : -1;
                    if (outside) value = 0;
                    if (WeightBits == 1) {
                        sum_of_beat += weight != 0 ? value : -value;
                    } else {
                        sum_of_beat += decode<WeightBits, true>(weight) * value;
                    }
                }
            }
            // The only addition that waits for the beat before.
            const std::int64_t earlier = step == 0 ? 0 : accumulators[chunk][o].to_int64();
            const Accumulator after = earlier + sum_of_beat;
            accumulators[chunk][o] = after;
            if (step == steps - 1) {
                const std::int64_t sum = after.to_int64();
                constexpr std::int64_t twice = Flagged ? 1 : 2;
                const std::int64_t result = Xnor && Levels == 0 ? twice * sum - static_cast<std::int64_t>(Taps) : sum;
                const std::int64_t code = OutputOffset + Results::count(result, chunk, o % PE, tables...);
                y.template set<OutputBits>(o * OutputBits, encode<OutputBits>(code));
            }
        }
        if (step == steps - 1) out.write(y.packed());

        word_index = word_index + 1 == Words ? 0 : word_index + 1;
        if (chunk == chunks - 1) {
            chunk = 0;
            step = step == steps - 1 ? 0 : step + 1;
        } else {
            ++chunk;
        }
    }
}

}  // namespace bnn

#endif
