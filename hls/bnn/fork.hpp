// SPDX-License-Identifier: Apache-2.0
// Fork: one stream for two consumers.
#ifndef BNN_FORK_HPP_
#define BNN_FORK_HPP_

#include "word.hpp"

namespace bnn {

/// Sends one frame of `Beats` words of `Width` bits to both.
template <unsigned Beats, unsigned Width>
void fork(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out_0, hls::stream<word<Width>>& out_1) {
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const word<Width> x = in.read();
        out_0.write(x);
        out_1.write(x);
    }
}

}  // namespace bnn

#endif
