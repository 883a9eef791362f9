// SPDX-License-Identifier: Apache-2.0
// Select: any channels of whole pixels in any order, the same choice for every beat.
#ifndef BNN_SELECT_HPP_
#define BNN_SELECT_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>

namespace bnn {

/// The select unit, for one frame.
///
/// Beats         beats of a frame, at least 1
/// Inputs        elements of an input beat, at least 1: all channels of one or several pixels
/// Outputs       elements of an output beat, at least 1
/// ElementBits   bits of an element, 1 to 64
/// Flagged       1: a flag above the elements says that the beat lies outside the image; it is passed on
///
/// `index` [1][Outputs]: for each output element, the number of the input element that it copies; from Inputs on, that
/// of a constant in `constants` [1][...]. Both tables are constant, so in hardware the unit is wires.
template <unsigned Beats, unsigned Inputs, unsigned Outputs, unsigned ElementBits, bool Flagged, class Entry,
          std::size_t Chosen, class Constant, std::size_t Constants>
void select(hls::stream<word<Inputs * ElementBits + Flagged>>& in,
            hls::stream<word<Outputs * ElementBits + Flagged>>& out, const Entry (&index)[1][Chosen],
            const Constant (&constants)[1][Constants]) {
    static_assert(Beats >= 1 && Inputs >= 1, "a frame has at least one beat, and a beat at least one element");
    static_assert(Chosen == Outputs, "the table must have an entry for each output element");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<Inputs * ElementBits + Flagged> x(in.read());
        bits<Outputs * ElementBits + Flagged> y;
        for (unsigned c = 0; c < Outputs; ++c) {
            BNN_PRAGMA(HLS UNROLL)
            const unsigned from = static_cast<unsigned>(index[0][c]);
            y.template set<ElementBits>(c * ElementBits, from < Inputs
                                                             ? x.template get<ElementBits>(from * ElementBits)
                                                             : load<ElementBits>(constants[0][from - Inputs]).chunk[0]);
        }
        if (Flagged) y.template set<1>(Outputs * ElementBits, x.template get<1>(Inputs * ElementBits));
        out.write(y.packed());
    }
}

}  // namespace bnn

#endif
