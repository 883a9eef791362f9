// SPDX-License-Identifier: Apache-2.0
// Pool: reduces the pixels of each window to one, channel by channel: to their sum, or to the largest or smallest.
//
// The pixels of a window come one after the other, each with all its channels. Codes of one bit compare as the -1 and
// +1 that they stand for, so the largest of them is an OR and the smallest an AND.
#ifndef BNN_POOL_HPP_
#define BNN_POOL_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {

/// The pool unit, for one frame.
///
/// Channels      of a pixel
/// Windows       of a frame
/// Taps          pixels of a window
/// PE            channels a beat
/// InputBits, InputBipolar, InputSigned   the elements taken; bipolar ones are -1 and +1, stored as 0 and 1
/// Flagged       1: a flag above the elements says that the beat lies outside the image and does not count
/// Sum           1: sums; 0: the largest, or the smallest where the table says so
/// OutputBits    of the elements made; those of an extremum are those taken
///
/// `smallest` [Channels / PE][PE]: 1 where an extremum is the smallest.
template <unsigned Channels, unsigned Windows, unsigned Taps, unsigned PE, unsigned InputBits, bool InputBipolar,
          bool InputSigned, bool Flagged, bool Sum, unsigned OutputBits, class Flag, std::size_t Words,
          std::size_t Lanes>
void pool(hls::stream<word<PE * InputBits + Flagged>>& in, hls::stream<word<PE * OutputBits>>& out,
          const Flag (&smallest)[Words][Lanes]) {
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(Taps >= 1, "a window has at least one pixel");
    static_assert(!InputBipolar || InputBits == 1, "elements of -1 and +1 have one bit");
    static_assert(Sum || OutputBits == InputBits, "an extremum is one of the elements taken");
    static_assert(Words == Channels / PE && Lanes == PE, "the table must have one bit a channel");
    constexpr unsigned chunks = Channels / PE;
    // The integers from the lowest code to the highest. As an order, -1 and +1 are 0 and 1.
    constexpr std::int64_t low = InputSigned ? -(std::int64_t{1} << (InputBits - 1)) : 0;
    constexpr std::int64_t high = low + ((std::int64_t{1} << InputBits) - 1);

    word<PE * OutputBits> kept[chunks];
    BNN_PRAGMA(HLS DEPENDENCE variable=kept type=inter direction=RAW distance=chunks dependent=true)

    unsigned chunk = 0;
    unsigned tap = 0;
    for (unsigned beat = 0; beat < Windows * Taps * chunks; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits + Flagged> x(in.read());
        const bool outside = Flagged && x.template get<1>(PE * InputBits + Flagged - 1) != 0;
        const bits<PE * OutputBits> before(kept[chunk]);
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code = x.template get<InputBits>(p * InputBits);
            const bool least = (smallest[chunk][p] & 1) != 0;
            std::int64_t value = decode<InputBits, InputSigned>(code);
            if (Sum && InputBipolar) value = code != 0 ? 1 : -1;
            // What the window makes of no pixel at all: 0, the lowest or the highest.
            std::int64_t so_far = Sum ? 0 : least ? high : low;
            if (tap != 0) {
                so_far = decode<OutputBits, Sum || InputSigned>(before.template get<OutputBits>(p * OutputBits));
            }
            if (outside) {
                value = so_far;
            } else if (Sum) {
                value += so_far;
            } else if ((value < so_far) != least) {
                value = so_far;
            }
            y.template set<OutputBits>(p * OutputBits, encode<OutputBits>(value));
        }
        kept[chunk] = y.packed();
        if (tap == Taps - 1) out.write(y.packed());
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
