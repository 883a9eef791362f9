// SPDX-License-Identifier: Apache-2.0
// Score output: the accelerator's output boundary. Pads beats to whole bytes and raises TLAST with a frame's last one.
#ifndef BNN_SCORE_OUTPUT_HPP_
#define BNN_SCORE_OUTPUT_HPP_

#include "axis_word.hpp"
#include "word.hpp"

namespace bnn {

/// The output boundary, for one frame.
///
/// Beats         beats of a frame, at least 1
/// InputWidth    bits of the stream's word: 1 to OutputWidth
/// OutputWidth   bits of a beat at the boundary, a multiple of 8, padded with zeros; with ap_axiu at most 1,024
template <unsigned Beats, unsigned InputWidth, unsigned OutputWidth>
void score_output(hls::stream<word<InputWidth>>& in, hls::stream<axis_word<OutputWidth / 8>>& out) {
    static_assert(Beats >= 1, "a frame has at least one beat");
    static_assert(OutputWidth >= 8 && OutputWidth % 8 == 0, "a beat at the boundary has whole bytes, at least one");
    static_assert(InputWidth >= 1 && InputWidth <= OutputWidth, "a beat at the boundary holds the stream's word");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        bits<OutputWidth> y;
        y.insert(0, bits<InputWidth>(in.read()));
        out.write(make_axis_word<OutputWidth / 8>(y.packed(), beat + 1 == Beats));
    }
}

}  // namespace bnn

#endif
