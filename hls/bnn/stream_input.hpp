// SPDX-License-Identifier: Apache-2.0
// Stream input: the accelerator's input boundary. Removes the padding of each beat and ignores TLAST.
#ifndef BNN_STREAM_INPUT_HPP_
#define BNN_STREAM_INPUT_HPP_

#include "axis_word.hpp"
#include "word.hpp"

namespace bnn {

/// The input boundary, for one frame.
///
/// Beats         beats of a frame, at least 1
/// InputWidth    bits of a beat at the boundary, a multiple of 8; with ap_axiu at most 1,024
/// OutputWidth   bits of data in it, the lowest ones: 1 to InputWidth
template <unsigned Beats, unsigned InputWidth, unsigned OutputWidth>
void stream_input(hls::stream<axis_word<InputWidth / 8>>& in, hls::stream<word<OutputWidth>>& out) {
    static_assert(Beats >= 1, "a frame has at least one beat");
    static_assert(InputWidth >= 8 && InputWidth % 8 == 0, "a beat at the boundary has whole bytes, at least one");
    static_assert(OutputWidth >= 1 && OutputWidth <= InputWidth, "a beat at the boundary holds the stream's word");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<InputWidth> x(in.read().data);
        out.write(x.template slice<OutputWidth>(0).packed());
    }
}

}  // namespace bnn

#endif
