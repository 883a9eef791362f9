// SPDX-License-Identifier: Apache-2.0
// Pool: reduces the pixels of each window to one, channel by channel: to their sum, or to the largest or smallest.
//
// The pixels of a window come one after the other, each with all its channels, or several at once. Codes of one bit
// compare as the -1 and +1 that they stand for, so the largest of them is an OR and the smallest an AND.
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
/// PE            channels of a pixel a beat
/// SIMD          pixels of a window a beat; several need PE = Channels
/// Pixels        windows a beat; several need SIMD = Taps
/// InputBits, InputBipolar, InputSigned   the elements taken; bipolar ones are -1 and +1, stored as 0 and 1
/// Flagged       1: above the elements, a flag for each pixel says that it lies outside the image and does not count
/// Sum           1: sums; 0: the largest, or the smallest where the table says so
/// OutputBits    of the elements made; those of an extremum are those taken
///
/// `smallest` [Channels / PE][PE]: 1 where an extremum is the smallest.
template <unsigned Channels, unsigned Windows, unsigned Taps, unsigned PE, unsigned SIMD, unsigned Pixels,
          unsigned InputBits, bool InputBipolar, bool InputSigned, bool Flagged, bool Sum, unsigned OutputBits,
          class Flag, std::size_t Words, std::size_t Lanes>
void pool(hls::stream<word<(PE * InputBits + Flagged) * SIMD * Pixels>>& in,
          hls::stream<word<Pixels * PE * OutputBits>>& out, const Flag (&smallest)[Words][Lanes]) {
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(SIMD >= 1 && Taps % SIMD == 0, "SIMD must divide the pixels of a window");
    static_assert(SIMD == 1 || PE == Channels, "several pixels of a window a beat need PE = Channels");
    static_assert(Pixels == 1 || SIMD == Taps, "several windows a beat need SIMD = Taps");
    static_assert(Pixels >= 1 && Windows % Pixels == 0, "the windows of a beat must divide those of a frame");
    static_assert(!InputBipolar || InputBits == 1, "elements of -1 and +1 have one bit");
    static_assert(Sum || OutputBits == InputBits, "an extremum is one of the elements taken");
    static_assert(Words == Channels / PE && Lanes == PE, "the table must have one bit a channel");
    constexpr unsigned chunks = Channels / PE;
    constexpr unsigned steps = Taps / SIMD;
    constexpr unsigned elements = Pixels * SIMD * PE;
    constexpr unsigned outputs = Pixels * PE;
    constexpr bool output_signed = Sum || InputSigned;
    constexpr unsigned beat_bits = (PE * InputBits + Flagged) * SIMD * Pixels;
    // The integers from the lowest code to the highest. As an order, -1 and +1 are 0 and 1.
    constexpr std::int64_t low = InputSigned ? -(std::int64_t{1} << (InputBits - 1)) : 0;
    constexpr std::int64_t high = low + ((std::int64_t{1} << InputBits) - 1);

    word<outputs * OutputBits> kept[chunks];
    BNN_PRAGMA(HLS DEPENDENCE variable=kept type=inter direction=RAW distance=chunks dependent=true)

    unsigned chunk = 0;
    unsigned step = 0;
    for (unsigned beat = 0; beat < Windows / Pixels * steps * chunks; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<beat_bits> x(in.read());
        const bits<outputs * OutputBits> before(kept[chunk]);
        bits<outputs * OutputBits> y;
        for (unsigned o = 0; o < outputs; ++o) {
            BNN_PRAGMA(HLS UNROLL)
            const bool least = (smallest[chunk][o % PE] & 1) != 0;
            // What the window makes of no pixel at all: 0, the lowest or the highest.
            std::int64_t so_far = Sum ? 0 : least ? high : low;
            if (step != 0) {
                so_far = decode<OutputBits, output_signed>(before.template get<OutputBits>(o * OutputBits));
            }
            for (unsigned tap = 0; tap < SIMD; ++tap) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned pixel = o / PE * SIMD + tap;
                const std::uint64_t code = x.template get<InputBits>((pixel * PE + o % PE) * InputBits);
                const bool outside = Flagged && x.template get<1>((elements * InputBits + pixel) % beat_bits) != 0;
                std::int64_t value = decode<InputBits, InputSigned>(code);
                if (Sum && InputBipolar) value = code != 0 ? 1 : -1;
                if (Sum && !outside) so_far += value;
                if (!Sum && !outside && (value < so_far) == least) so_far = value;
            }
            y.template set<OutputBits>(o * OutputBits, encode<OutputBits>(so_far));
        }
        kept[chunk] = y.packed();
        if (step == steps - 1) out.write(y.packed());
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
