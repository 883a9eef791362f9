// SPDX-License-Identifier: Apache-2.0
// Fork: copies one stream to two consumers.
#ifndef BNN_FORK_HPP_
#define BNN_FORK_HPP_

#include "word.hpp"

namespace bnn {

/// The fork, for one frame.
///
/// Beats   beats of a frame, at least 1
/// Width   bits of a beat, at least 1
template <unsigned Beats, unsigned Width>
void fork(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out_0, hls::stream<word<Width>>& out_1) {
    static_assert(Beats >= 1 && Width >= 1, "a frame has at least one beat, and a beat at least one bit");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const word<Width> x = in.read();
        out_0.write(x);
        out_1.write(x);
    }
}

}  // namespace bnn

#endif
