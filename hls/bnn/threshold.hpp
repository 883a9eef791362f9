// SPDX-License-Identifier: Apache-2.0
// Threshold: any monotone integer function of a channel, element by element.
//
// An increasing channel counts the thresholds T with x >= T, a decreasing one those with x < T; the result's code is
// OutputOffset + count.
#ifndef BNN_THRESHOLD_HPP_
#define BNN_THRESHOLD_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {

/// The code of the result for `x`, from the thresholds of its channel, which fit `ThresholdBits` bits.
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

/// The code of what the thresholds merged behind it make of an accumulator.
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
/// Channels      length of the innermost axis
/// Vectors       vectors of that length in a frame
/// PE            channels a beat
/// Shared        1: one row of thresholds for all channels
/// InputBits, InputSigned   the elements taken
/// Levels        thresholds of a channel
/// OutputBits, OutputOffset   the elements made
///
/// `thresholds` [Channels / PE][PE][Levels], ascending, and `decreasing` [Channels / PE][PE]; [1][1] where shared.
template <unsigned Channels, unsigned Vectors, unsigned PE, bool Shared, unsigned InputBits, bool InputSigned,
          unsigned Levels, unsigned OutputBits, int OutputOffset, class Entry, class Flag, std::size_t Words,
          std::size_t Lanes, std::size_t TableLevels>
void threshold(hls::stream<word<PE * InputBits>>& in, hls::stream<word<PE * OutputBits>>& out,
               const Entry (&thresholds)[Words][Lanes][TableLevels], const Flag (&decreasing)[Words][Lanes]) {
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(Levels == TableLevels, "the table of thresholds must have Levels thresholds a channel");
    static_assert(Words * Lanes == (Shared ? 1 : Channels), "the tables must have one row a channel, or one if shared");
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
