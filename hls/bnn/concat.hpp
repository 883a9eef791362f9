// SPDX-License-Identifier: Apache-2.0
// Concat: joins two streams pixel by pixel: all channels of the first, then all channels of the second.
//
// They leave one after the other, a part of a pixel per beat, or both at once, whole pixels per beat.
#ifndef BNN_CONCAT_HPP_
#define BNN_CONCAT_HPP_

#include "word.hpp"

namespace bnn {
namespace detail {

/// Whole pixels of both at once, `Pixels` per beat.
template <unsigned Pixels, unsigned PixelsOfFrame, unsigned Width0, unsigned Width1, unsigned, unsigned>
struct joined_pixels {
    static_assert(PixelsOfFrame % Pixels == 0, "the pixels of a beat must divide those of a frame");
    static_assert(Width0 >= 1 && Width1 >= 1, "a pixel of either stream has at least one bit");
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
    static_assert(Width0 >= 1, "a beat has at least one bit");
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

/// The concat unit, for one frame.
///
/// PixelsOfFrame   pixels of a frame, at least 1
/// Width~          bits of a pixel of either stream in a beat, at least 1; equal where Pixels is 0
/// Beats~          where Pixels is 0, beats of a pixel of either stream, at least 1
/// Pixels          0: the streams' pixels one after the other; else both at once, Pixels per beat, a divisor of
///                 PixelsOfFrame
template <unsigned PixelsOfFrame, unsigned Width0, unsigned Width1, unsigned Beats0, unsigned Beats1, unsigned Pixels,
          class Joined = detail::joined_pixels<Pixels, PixelsOfFrame, Width0, Width1, Beats0, Beats1>>
void concat(hls::stream<typename Joined::Beat0>& in_0, hls::stream<typename Joined::Beat1>& in_1,
            hls::stream<typename Joined::Beat>& out) {
    static_assert(PixelsOfFrame >= 1, "a frame has at least one pixel");
    Joined joined;
    for (unsigned i = 0; i < Joined::beats; ++i) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        out.write(joined.next(in_0, in_1));
    }
}

}  // namespace bnn

#endif
