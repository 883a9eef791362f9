// SPDX-License-Identifier: Apache-2.0
// Stream input: the accelerator's input boundary. Takes the padding off each beat; TLAST is ignored.
#ifndef BNN_STREAM_INPUT_HPP_
#define BNN_STREAM_INPUT_HPP_

#include "axis_word.hpp"
#include "word.hpp"

namespace bnn {

/// One frame of `Beats` beats of `InputWidth` bits (whole bytes), of which the lowest `OutputWidth` are data.
template <unsigned Beats, unsigned InputWidth, unsigned OutputWidth>
void stream_input(hls::stream<axis_word<InputWidth / 8>>& in, hls::stream<word<OutputWidth>>& out) {
    static_assert(InputWidth % 8 == 0, "a beat at the boundary has whole bytes");
    static_assert(OutputWidth <= InputWidth, "a beat holds its data");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<InputWidth> x(in.read().data);
        out.write(x.template slice<OutputWidth>(0).packed());
    }
}

}  // namespace bnn

#endif
