// SPDX-License-Identifier: Apache-2.0
// FIFO: a queue between two units.
//
// In HLS the room is that of the stream behind the unit, so the top level gives that stream the depth:
// #pragma HLS STREAM variable=out depth=Depth. The unit itself only moves beats.
#ifndef BNN_FIFO_HPP_
#define BNN_FIFO_HPP_

#include "word.hpp"

namespace bnn {

/// Moves one frame of `Beats` words of `Width` bits.
template <unsigned Beats, unsigned Width, unsigned Depth>
void fifo(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out) {
    static_assert(Depth >= 2, "a FIFO needs room for two beats to pass one a cycle");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        out.write(in.read());
    }
}

}  // namespace bnn

#endif
