// SPDX-License-Identifier: Apache-2.0
// Beats at the accelerator's boundary: whole bytes, and a flag on a frame's last beat (AXI4-Stream TDATA and TLAST).
//
// With Vitis HLS, axis_word is its ap_axiu; the open headers have none, and a plain struct takes its place.
#ifndef BNN_AXIS_WORD_HPP_
#define BNN_AXIS_WORD_HPP_

#include "word.hpp"

#if __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
#define BNN_HAS_AP_AXIU 1
#endif

namespace bnn {

#ifdef BNN_HAS_AP_AXIU

template <unsigned Bytes>
using axis_word = ap_axiu<8 * Bytes, 0, 0, 0>;

template <unsigned Bytes>
axis_word<Bytes> make_axis_word(const word<8 * Bytes>& data, bool last) {
    static_assert(8 * Bytes <= widest_ap_uint,
                  "a beat here is one ap_uint, of at most 1,024 bits: give the unit at the boundary fewer lanes");
    BNN_PRAGMA(HLS INLINE)
    axis_word<Bytes> beat;
    beat.data = data;
    beat.keep = -1;
    beat.strb = -1;
    beat.last = last;
    return beat;
}

#else

template <unsigned Bytes>
struct axis_word {
    word<8 * Bytes> data;
    bool last;
};

template <unsigned Bytes>
axis_word<Bytes> make_axis_word(const word<8 * Bytes>& data, bool last) {
    return {data, last};
}

#endif

}  // namespace bnn

#endif
