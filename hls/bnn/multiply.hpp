// SPDX-License-Identifier: Apache-2.0
// Multiply: the product of two streams, element by element.
#ifndef BNN_MULTIPLY_HPP_
#define BNN_MULTIPLY_HPP_

#include "number.hpp"
#include "word.hpp"

#include <cstdint>

namespace bnn {

/// The multiplier, for one frame.
///
/// Beats           beats of a frame, at least 1
/// PE              elements of a beat, at least 1
/// InputBits~      bits of an element of either stream, 1 to 32
/// InputBipolar~   1: elements are -1 and +1, stored as 0 and 1, of one bit; where both are, so are the products
/// InputSigned~    1: elements are in two's complement
/// OutputBits      bits of a product, 1 to 64; in two's complement where products can be negative
template <unsigned Beats, unsigned PE, unsigned InputBits0, bool InputBipolar0, bool InputSigned0, unsigned InputBits1,
          bool InputBipolar1, bool InputSigned1, unsigned OutputBits>
void multiply(hls::stream<word<PE * InputBits0>>& in_0, hls::stream<word<PE * InputBits1>>& in_1,
              hls::stream<word<PE * OutputBits>>& out) {
    static_assert(Beats >= 1 && PE >= 1, "a frame has at least one beat, and a beat at least one element");
    static_assert(!InputBipolar0 || InputBits0 == 1, "elements of -1 and +1 have one bit");
    static_assert(!InputBipolar1 || InputBits1 == 1, "elements of -1 and +1 have one bit");
    static_assert(!(InputBipolar0 && InputBipolar1) || OutputBits == 1, "products of -1 and +1 have one bit");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits0> x_0(in_0.read());
        const bits<PE * InputBits1> x_1(in_1.read());
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code_0 = x_0.template get<InputBits0>(p * InputBits0);
            const std::uint64_t code_1 = x_1.template get<InputBits1>(p * InputBits1);
            const std::int64_t product = detail::number<InputBits0, InputBipolar0, InputSigned0>(code_0) *
                                         detail::number<InputBits1, InputBipolar1, InputSigned1>(code_1);
            const std::int64_t value = InputBipolar0 && InputBipolar1 ? (product > 0 ? 1 : 0) : product;
            y.template set<OutputBits>(p * OutputBits, encode<OutputBits>(value));
        }
        out.write(y.packed());
    }
}

}  // namespace bnn

#endif
