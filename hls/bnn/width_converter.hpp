// SPDX-License-Identifier: Apache-2.0
// Width converter: regroups a stream from InputLanes to OutputLanes elements per beat; neither need divide the other.
//
// Elements move in groups of gcd(InputLanes, OutputLanes). The narrower side sets the pace: one beat per cycle.
#ifndef BNN_WIDTH_CONVERTER_HPP_
#define BNN_WIDTH_CONVERTER_HPP_

#include "word.hpp"

namespace bnn {

constexpr unsigned greatest_common_divisor(unsigned a, unsigned b) {
    return b == 0 ? a : greatest_common_divisor(b, a % b);
}

/// The width converter, for one frame.
///
/// Elements      elements of a frame, at least 1
/// InputLanes    elements of an input beat, a divisor of Elements
/// OutputLanes   elements of an output beat, a divisor of Elements
/// ElementBits   bits of an element, at least 1
template <unsigned Elements, unsigned InputLanes, unsigned OutputLanes, unsigned ElementBits>
void width_converter(hls::stream<word<InputLanes * ElementBits>>& in,
                     hls::stream<word<OutputLanes * ElementBits>>& out) {
    static_assert(Elements >= 1 && ElementBits >= 1,
                  "a frame has at least one element, and an element at least one bit");
    static_assert(InputLanes >= 1 && Elements % InputLanes == 0, "the input lanes must divide the elements of a frame");
    static_assert(OutputLanes >= 1 && Elements % OutputLanes == 0,
                  "the output lanes must divide the elements of a frame");
    constexpr unsigned lanes = greatest_common_divisor(InputLanes, OutputLanes);
    constexpr unsigned group = lanes * ElementBits;
    constexpr unsigned in_groups = InputLanes / lanes;
    constexpr unsigned out_groups = OutputLanes / lanes;
    constexpr unsigned beats = Elements / (InputLanes < OutputLanes ? InputLanes : OutputLanes);

    word<group> held[in_groups + out_groups];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=held complete)
    unsigned count = 0;  // groups held
    for (unsigned beat = 0; beat < beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        if (count < out_groups) {
            const bits<InputLanes * ElementBits> x(in.read());
            for (unsigned i = 0; i < in_groups; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                held[count + i] = x.template slice<group>(i * group).packed();
            }
            count += in_groups;
        }
        if (count >= out_groups) {
            bits<OutputLanes * ElementBits> y;
            for (unsigned i = 0; i < out_groups; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                y.insert(i * group, bits<group>(held[i]));
            }
            out.write(y.packed());
            for (unsigned i = 0; i < in_groups; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                held[i] = held[i + out_groups];
            }
            count -= out_groups;
        }
    }
}

}  // namespace bnn

#endif
