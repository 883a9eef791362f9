// SPDX-License-Identifier: Apache-2.0
// FIFO: a queue between two units.
//
// In HLS, the storage is that of the stream behind the unit, so the top level must give that stream the depth:
// #pragma HLS STREAM variable=out depth=Depth. The unit itself only moves beats.
#ifndef BNN_FIFO_HPP_
#define BNN_FIFO_HPP_

#include "word.hpp"

namespace bnn {

/// The FIFO, for one frame.
///
/// Beats   beats of a frame, at least 1
/// Width   bits of a beat, at least 1
/// Depth   beats that the stream behind it holds, at least 2
template <unsigned Beats, unsigned Width, unsigned Depth>
void fifo(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out) {
    static_assert(Beats >= 1 && Width >= 1, "a frame has at least one beat, and a beat at least one bit");
    static_assert(Depth >= 2, "a FIFO needs room for two beats to pass one per cycle");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        out.write(in.read());
    }
}

}  // namespace bnn

#endif
