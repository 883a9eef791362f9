// SPDX-License-Identifier: Apache-2.0
// Concat: joins two streams pixel by pixel, all channels of the first one's, then all channels of the second one's.
//
// They come one after the other, a part of a pixel a beat, or at once, whole pixels a beat.
#ifndef BNN_CONCAT_HPP_
#define BNN_CONCAT_HPP_

#include "word.hpp"

namespace bnn {
namespace detail {

constexpr unsigned at_least_one(unsigned count) { return count > 0 ? count : 1; }

}  // namespace detail

/// The concat unit, for one frame of `PixelsOfFrame` pixels.
///
/// Width0, Width1   bits of a pixel of each stream in a beat; the same where they come one after the other
/// Beats0, Beats1   beats of a pixel of each stream, where they come one after the other
/// Pixels           0: one after the other; else at once, so many whole pixels a beat
template <unsigned PixelsOfFrame, unsigned Width0, unsigned Width1, unsigned Beats0, unsigned Beats1, unsigned Pixels>
void concat(hls::stream<word<detail::at_least_one(Pixels) * Width0>>& in_0,
            hls::stream<word<detail::at_least_one(Pixels) * Width1>>& in_1,
            hls::stream<word<Pixels == 0 ? Width0 : Pixels * (Width0 + Width1)>>& out) {
    static_assert(Beats0 >= 1 && Beats1 >= 1, "a pixel of either stream has at least one beat");
    static_assert(Pixels > 0 || Width0 == Width1, "beats that come one after the other must be of one width");
    static_assert(PixelsOfFrame % detail::at_least_one(Pixels) == 0, "the pixels of a beat must divide those of a frame");
    if constexpr (Pixels == 0) {
        unsigned beat = 0;
        for (unsigned i = 0; i < PixelsOfFrame * (Beats0 + Beats1); ++i) {
            BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
            out.write(beat < Beats0 ? in_0.read() : in_1.read());
            beat = beat == Beats0 + Beats1 - 1 ? 0 : beat + 1;
        }
    } else {
        for (unsigned beat = 0; beat < PixelsOfFrame / Pixels; ++beat) {
            BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
            const bits<Pixels * Width0> x_0(in_0.read());
            const bits<Pixels * Width1> x_1(in_1.read());
            bits<Pixels*(Width0 + Width1)> y;
            for (unsigned p = 0; p < Pixels; ++p) {
                BNN_PRAGMA(HLS UNROLL)
                y.insert(p * (Width0 + Width1), x_0.template slice<Width0>(p * Width0));
                y.insert(p * (Width0 + Width1) + Width0, x_1.template slice<Width1>(p * Width1));
            }
            out.write(y.packed());
        }
    }
}

}  // namespace bnn

#endif
