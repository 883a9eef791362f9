// SPDX-License-Identifier: Apache-2.0
// Lookup: the same function of every element, from a table.
#ifndef BNN_LOOKUP_HPP_
#define BNN_LOOKUP_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {

/// The lookup unit, for one frame of Beats beats of PE elements.
///
/// InputBits, OutputBits   the elements taken and made
///
/// `table` [2^InputBits]: the code of the result for each code of the input.
template <unsigned Beats, unsigned PE, unsigned InputBits, unsigned OutputBits, class Entry, std::size_t Words>
void lookup(hls::stream<word<PE * InputBits>>& in, hls::stream<word<PE * OutputBits>>& out,
            const Entry (&table)[Words]) {
    static_assert(Words == (std::size_t{1} << InputBits), "the table must have a word for each code of the input");
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits> x(in.read());
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code = x.template get<InputBits>(p * InputBits);
            y.template set<OutputBits>(p * OutputBits, load<OutputBits>(table[code]).chunk[0]);
        }
        out.write(y.packed());
    }
}

}  // namespace bnn

#endif
