// SPDX-License-Identifier: Apache-2.0
// Concat: joins two streams pixel by pixel, all channels of the first one's, then all channels of the second one's.
#ifndef BNN_CONCAT_HPP_
#define BNN_CONCAT_HPP_

#include "word.hpp"

namespace bnn {

/// One frame of `Pixels` pixels, each of `Beats0` words of the first stream and `Beats1` of the second, `Width` bits
/// each.
template <unsigned Pixels, unsigned Width, unsigned Beats0, unsigned Beats1>
void concat(hls::stream<word<Width>>& in_0, hls::stream<word<Width>>& in_1, hls::stream<word<Width>>& out) {
    static_assert(Beats0 >= 1 && Beats1 >= 1, "a pixel of either stream has at least one beat");
    unsigned beat = 0;
    for (unsigned i = 0; i < Pixels * (Beats0 + Beats1); ++i) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        out.write(beat < Beats0 ? in_0.read() : in_1.read());
        beat = beat == Beats0 + Beats1 - 1 ? 0 : beat + 1;
    }
}

}  // namespace bnn

#endif
