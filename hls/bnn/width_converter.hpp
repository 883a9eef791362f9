// SPDX-License-Identifier: Apache-2.0
// Width converter: regroups a stream from InputLanes to OutputLanes elements a beat; neither need divide the other.
//
// Elements move in groups of gcd(InputLanes, OutputLanes). The narrower side sets the pace: it moves a beat a cycle.
#ifndef BNN_WIDTH_CONVERTER_HPP_
#define BNN_WIDTH_CONVERTER_HPP_

#include "word.hpp"

namespace bnn {

constexpr unsigned greatest_common_divisor(unsigned a, unsigned b) {
    return b == 0 ? a : greatest_common_divisor(b, a % b);
}

/// The width converter, for one frame of `Elements` elements of `ElementBits` bits.
template <unsigned Elements, unsigned InputLanes, unsigned OutputLanes, unsigned ElementBits>
void width_converter(hls::stream<word<InputLanes * ElementBits>>& in,
                     hls::stream<word<OutputLanes * ElementBits>>& out) {
    static_assert(InputLanes >= 1 && Elements % InputLanes == 0, "the input lanes must divide the elements of a frame");
    static_assert(OutputLanes >= 1 && Elements % OutputLanes == 0,
                  "the output lanes must divide the elements of a frame");
    constexpr unsigned lanes = greatest_common_divisor(InputLanes, OutputLanes);
    constexpr unsigned group = lanes * ElementBits;
    constexpr unsigned taken = InputLanes / lanes;
    constexpr unsigned given = OutputLanes / lanes;
    constexpr unsigned beats = Elements / (InputLanes < OutputLanes ? InputLanes : OutputLanes);

    word<group> held[taken + given];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=held complete)
    unsigned count = 0;  // groups held
    for (unsigned beat = 0; beat < beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        if (count < given) {
            const bits<InputLanes * ElementBits> x(in.read());
            for (unsigned i = 0; i < taken; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                held[count + i] = x.template slice<group>(i * group).packed();
            }
            count += taken;
        }
        if (count >= given) {
            bits<OutputLanes * ElementBits> y;
            for (unsigned i = 0; i < given; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                y.insert(i * group, bits<group>(held[i]));
            }
            out.write(y.packed());
            for (unsigned i = 0; i < taken; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                held[i] = held[i + given];
            }
            count -= given;
        }
    }
}

}  // namespace bnn

#endif
