// SPDX-License-Identifier: Apache-2.0
// Add: the sum of two streams, element by element, each scaled by a constant.
#ifndef BNN_ADD_HPP_
#define BNN_ADD_HPP_

#include "number.hpp"
#include "word.hpp"

#include <cstdint>

namespace bnn {

/// The adder, for one frame.
///
/// Beats           beats of a frame, at least 1
/// PE              elements of a beat, at least 1
/// InputBits~      bits of an element of either stream, 1 to 32
/// InputBipolar~   1: elements are -1 and +1, stored as 0 and 1, of one bit
/// InputSigned~    1: elements are in two's complement
/// Factor~         what an element of either stream is multiplied by
/// OutputBits      bits of a sum, 1 to 64; in two's complement where sums can be negative
template <unsigned Beats, unsigned PE, unsigned InputBits0, bool InputBipolar0, bool InputSigned0, int Factor0,
          unsigned InputBits1, bool InputBipolar1, bool InputSigned1, int Factor1, unsigned OutputBits>
void add(hls::stream<word<PE * InputBits0>>& in_0, hls::stream<word<PE * InputBits1>>& in_1,
         hls::stream<word<PE * OutputBits>>& out) {
    static_assert(Beats >= 1 && PE >= 1, "a frame has at least one beat, and a beat at least one element");
    static_assert(!InputBipolar0 || InputBits0 == 1, "elements of -1 and +1 have one bit");
    static_assert(!InputBipolar1 || InputBits1 == 1, "elements of -1 and +1 have one bit");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits0> x_0(in_0.read());
        const bits<PE * InputBits1> x_1(in_1.read());
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code_0 = x_0.template get<InputBits0>(p * InputBits0);
            const std::uint64_t code_1 = x_1.template get<InputBits1>(p * InputBits1);
            const std::int64_t sum = Factor0 * detail::number<InputBits0, InputBipolar0, InputSigned0>(code_0) +
                                     Factor1 * detail::number<InputBits1, InputBipolar1, InputSigned1>(code_1);
            y.template set<OutputBits>(p * OutputBits, encode<OutputBits>(sum));
        }
        out.write(y.packed());
    }
}

}  // namespace bnn

#endif
