// SPDX-License-Identifier: Apache-2.0
// Threshold: any monotone integer function of a channel, element by element.
//
// An increasing channel counts the thresholds T with x >= T, a decreasing one those with x < T; the output element is
// OutputOffset + count.
#ifndef BNN_THRESHOLD_HPP_
#define BNN_THRESHOLD_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {

/// The code of the output for `x`, from the thresholds of its channel, which fit `ThresholdBits` bits.
template <unsigned ThresholdBits, unsigned OutputBits, int OutputOffset, class Integer, class Entry, std::size_t Levels,
          class Flag>
std::uint64_t activate(Integer x, const Entry (&thresholds)[Levels], const Flag& decreasing) {
    BNN_PRAGMA(HLS INLINE)
    int count = 0;
    for (unsigned level = 0; level < Levels; ++level) {
        BNN_PRAGMA(HLS UNROLL)
        count += (x >= narrow<ThresholdBits>(thresholds[level])) != ((decreasing & 1) != 0);
    }
    return encode<OutputBits>(OutputOffset + count);
}

namespace detail {

/// The code of a raw dot product.
template <unsigned, unsigned OutputBits, int, class Sum>
std::uint64_t finish(Sum sum, unsigned, unsigned) {
    BNN_PRAGMA(HLS INLINE)
    return encode<OutputBits>(sum);
}

/// The code of the output for an accumulator whose unit applies the thresholds itself.
template <unsigned AccumulatorBits, unsigned OutputBits, int OutputOffset, class Sum, class Thresholds, class Flags>
std::uint64_t finish(Sum sum, unsigned pass, unsigned p, const Thresholds& thresholds, const Flags& decreasing) {
    BNN_PRAGMA(HLS INLINE)
    // One more than the largest sum, and a sign.
    constexpr unsigned threshold_bits = AccumulatorBits + 2;
    return activate<threshold_bits, OutputBits, OutputOffset>(sum, thresholds[pass][p], decreasing[pass][p]);
}

}  // namespace detail

/// The threshold unit, for one frame.
///
/// Channels       length of the innermost axis, at least 1
/// Vectors        vectors of that length in a frame, at least 1
/// PE             channels of a beat, a divisor of Channels
/// Shared         1: one row of thresholds for all channels
/// InputBits      bits of an input element, 1 to 32
/// InputSigned    1: input elements are in two's complement
/// Levels         thresholds of a channel, at least 1
/// OutputBits     bits of an output element, 1 to 64
/// OutputOffset   what is added to the count of thresholds
///
/// `thresholds` [Channels / PE][PE][Levels], ascending, of InputBits + 2 bits at most, and `decreasing`
/// [Channels / PE][PE], 1 where a channel is decreasing. Where shared: [1][1][Levels] and [1][1].
template <unsigned Channels, unsigned Vectors, unsigned PE, bool Shared, unsigned InputBits, bool InputSigned,
          unsigned Levels, unsigned OutputBits, int OutputOffset, class Entry, class Flag, std::size_t Words,
          std::size_t Lanes, std::size_t TableLevels>
void threshold(hls::stream<word<PE * InputBits>>& in, hls::stream<word<PE * OutputBits>>& out,
               const Entry (&thresholds)[Words][Lanes][TableLevels], const Flag (&decreasing)[Words][Lanes]) {
    static_assert(Channels >= 1 && Vectors >= 1, "a frame has at least one vector of at least one channel");
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(Levels == TableLevels, "the table of thresholds must have Levels thresholds per channel");
    static_assert(Words * Lanes == (Shared ? 1 : Channels),
                  "the tables must have one row per channel, or one if shared");
    static_assert(Lanes == (Shared ? 1 : PE), "a word of the tables must have PE rows, or one if shared");

    unsigned word_index = 0;
    for (unsigned beat = 0; beat < Vectors * (Channels / PE); ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits> x(in.read());
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::int64_t value = decode<InputBits, InputSigned>(x.template get<InputBits>(p * InputBits));
            const unsigned lane = Shared ? 0 : p;
            // One more than the largest input, and a sign.
            constexpr unsigned threshold_bits = InputBits + 2;
            y.template set<OutputBits>(
                p * OutputBits, activate<threshold_bits, OutputBits, OutputOffset>(value, thresholds[word_index][lane],
                                                                                   decreasing[word_index][lane]));
        }
        out.write(y.packed());
        word_index = word_index + 1 == Words ? 0 : word_index + 1;
    }
}

}  // namespace bnn

#endif
