// SPDX-License-Identifier: Apache-2.0
// Score output: the accelerator's output boundary. Pads beats to whole bytes and marks the last one of a frame.
#ifndef BNN_SCORE_OUTPUT_HPP_
#define BNN_SCORE_OUTPUT_HPP_

#include "axis_word.hpp"
#include "word.hpp"

namespace bnn {

/// One frame of `Beats` beats of `InputWidth` bits, padded with zeros to `OutputWidth` bits.
template <unsigned Beats, unsigned InputWidth, unsigned OutputWidth>
void score_output(hls::stream<word<InputWidth>>& in, hls::stream<axis_word<OutputWidth / 8>>& out) {
    static_assert(OutputWidth % 8 == 0, "a beat at the boundary has whole bytes");
    static_assert(InputWidth <= OutputWidth, "a beat at the boundary holds the stream's word");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        bits<OutputWidth> y;
        y.insert(0, bits<InputWidth>(in.read()));
        out.write(make_axis_word<OutputWidth / 8>(y.packed(), beat + 1 == Beats));
    }
}

}  // namespace bnn

#endif
