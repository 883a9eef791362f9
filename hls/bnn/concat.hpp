// SPDX-License-Identifier: Apache-2.0
// Concat: joins two streams pixel by pixel, all channels of the first one's, then all channels of the second one's.
//
// They come one after the other, a part of a pixel a beat, or at once, whole pixels a beat.
#ifndef BNN_CONCAT_HPP_
#define BNN_CONCAT_HPP_

#include "word.hpp"

namespace bnn {
namespace detail {

/// Whole pixels at once, `Pixels` a beat.
template <unsigned Pixels, unsigned PixelsOfFrame, unsigned Width0, unsigned Width1, unsigned, unsigned>
struct joined_pixels {
    static_assert(PixelsOfFrame % Pixels == 0, "the pixels of a beat must divide those of a frame");
    using Beat0 = word<Pixels * Width0>;
    using Beat1 = word<Pixels * Width1>;
    using Beat = word<Pixels*(Width0 + Width1)>;
    static constexpr unsigned beats = PixelsOfFrame / Pixels;

    Beat next(hls::stream<Beat0>& in_0, hls::stream<Beat1>& in_1) {
        BNN_PRAGMA(HLS INLINE)
        const bits<Pixels * Width0> x_0(in_0.read());
        const bits<Pixels * Width1> x_1(in_1.read());
        bits<Pixels*(Width0 + Width1)> y;
        for (unsigned p = 0; p < Pixels; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            y.insert(p * (Width0 + Width1), x_0.template slice<Width0>(p * Width0));
            y.insert(p * (Width0 + Width1) + Width0, x_1.template slice<Width1>(p * Width1));
        }
        return y.packed();
    }
};

/// One after the other.
template <unsigned PixelsOfFrame, unsigned Width0, unsigned Width1, unsigned Beats0, unsigned Beats1>
struct joined_pixels<0, PixelsOfFrame, Width0, Width1, Beats0, Beats1> {
    static_assert(Width0 == Width1, "beats that come one after the other must be of one width");
    static_assert(Beats0 >= 1 && Beats1 >= 1, "a pixel of either stream has at least one beat");
    using Beat = word<Width0>;
    using Beat0 = Beat;
    using Beat1 = Beat;
    static constexpr unsigned beats = PixelsOfFrame * (Beats0 + Beats1);

    unsigned beat = 0;  // of a pixel

    Beat next(hls::stream<Beat>& in_0, hls::stream<Beat>& in_1) {
        BNN_PRAGMA(HLS INLINE)
        const bool first = beat < Beats0;
        beat = beat == Beats0 + Beats1 - 1 ? 0 : beat + 1;
        return first ? in_0.read() : in_1.read();
    }
};

}  // namespace detail

/// The concat unit, for one frame of `PixelsOfFrame` pixels.
///
/// Width0, Width1   bits of a pixel of each stream in a beat; the same where they come one after the other
/// Beats0, Beats1   beats of a pixel of each stream, where they come one after the other
/// Pixels           0: one after the other; else at once, so many whole pixels a beat
template <unsigned PixelsOfFrame, unsigned Width0, unsigned Width1, unsigned Beats0, unsigned Beats1, unsigned Pixels,
          class Joined = detail::joined_pixels<Pixels, PixelsOfFrame, Width0, Width1, Beats0, Beats1>>
void concat(hls::stream<typename Joined::Beat0>& in_0, hls::stream<typename Joined::Beat1>& in_1,
            hls::stream<typename Joined::Beat>& out) {
    Joined joined;
    for (unsigned i = 0; i < Joined::beats; ++i) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        out.write(joined.next(in_0, in_1));
    }
}

}  // namespace bnn

#endif
