// SPDX-License-Identifier: Apache-2.0
// Lookup: any function of an element, from a table.
#ifndef BNN_LOOKUP_HPP_
#define BNN_LOOKUP_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {

/// The lookup unit with one table for all channels, for one frame.
///
/// Beats        beats of a frame, at least 1
/// PE           elements of a beat, at least 1
/// InputBits    bits of an input element, 1 to 32
/// OutputBits   bits of an output element, 1 to 64
///
/// `table` [2^InputBits]: the code of the result for each code of the input.
template <unsigned Beats, unsigned PE, unsigned InputBits, unsigned OutputBits, class Entry, std::size_t Words>
void lookup(hls::stream<word<PE * InputBits>>& in, hls::stream<word<PE * OutputBits>>& out,
            const Entry (&table)[Words]) {
    static_assert(Beats >= 1 && PE >= 1, "a frame has at least one beat, and a beat at least one element");
    static_assert(InputBits >= 1 && InputBits <= 32, "an element of a stream has 1 to 32 bits");
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

/// The lookup unit with a table for each channel, for one frame. Parameters as above, and
///
/// Groups   beats that hold each channel once, a divisor of Beats
///
/// `tables` [Groups * 2^InputBits][PE]: for each lane, the tables of its channels one after the other.
template <unsigned Beats, unsigned PE, unsigned InputBits, unsigned OutputBits, unsigned Groups, class Entry,
          std::size_t Words, std::size_t Lanes>
void lookup(hls::stream<word<PE * InputBits>>& in, hls::stream<word<PE * OutputBits>>& out,
            const Entry (&tables)[Words][Lanes]) {
    static_assert(Beats >= 1 && PE >= 1, "a frame has at least one beat, and a beat at least one element");
    static_assert(InputBits >= 1 && InputBits <= 32, "an element of a stream has 1 to 32 bits");
    static_assert(Groups >= 1 && Beats % Groups == 0, "a frame must hold each channel equally often");
    constexpr std::size_t codes = std::size_t{1} << InputBits;
    static_assert(Lanes == PE && Words == Groups * codes, "each lane must have a word for each code and group");
    unsigned group = 0;
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits> x(in.read());
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code = x.template get<InputBits>(p * InputBits);
            y.template set<OutputBits>(p * OutputBits, load<OutputBits>(tables[group * codes + code][p]).chunk[0]);
        }
        out.write(y.packed());
        group = group + 1 == Groups ? 0 : group + 1;
    }
}

}  // namespace bnn

#endif
