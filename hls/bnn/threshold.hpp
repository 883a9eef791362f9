// SPDX-License-Identifier: Apache-2.0
// Threshold: counts how many thresholds of its channel each element reaches, or stays below.
#ifndef BNN_THRESHOLD_HPP_
#define BNN_THRESHOLD_HPP_

#include "requantizer.hpp"
#include "word.hpp"

#include <cstdint>

namespace bnn {

/// The threshold unit, for one frame.
///
/// Channels       length of the innermost axis, at least 1
/// Vectors        vectors of that length in a frame, at least 1
/// PE             channels of a beat, a divisor of Channels
/// Shared         1: one row of constants for all channels
/// InputBits      bits of an input element, 1 to 32
/// InputSigned    1: input elements are in two's complement
/// Levels         thresholds of a channel, at least 1
/// OutputBits     bits of an output element, 1 to 64
/// OutputOffset   what is added to the count of thresholds
/// Requantizer    how they are counted: `comparators`, `fixed_point` or `search`, of requantizer.hpp
/// FactorBits, SumBits, Shift, Ties   of a fixed-point step; 0 in the other forms
///
/// `tables`: those of the form, with Channels / PE words of PE lanes; where shared, one word of one lane.
template <unsigned Channels, unsigned Vectors, unsigned PE, bool Shared, unsigned InputBits, bool InputSigned,
          unsigned Levels, unsigned OutputBits, int OutputOffset, unsigned Requantizer = comparators,
          unsigned FactorBits = 0, unsigned SumBits = 0, unsigned Shift = 0, unsigned Ties = 0, class Table,
          class... Tables>
void threshold(hls::stream<word<PE * InputBits>>& in, hls::stream<word<PE * OutputBits>>& out, const Table& table,
               const Tables&... tables) {
    static_assert(Channels >= 1 && Vectors >= 1, "a frame has at least one vector of at least one channel");
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(Levels >= 1, "a channel has at least one threshold");
    constexpr unsigned words = Shared ? 1 : Channels / PE;
    static_assert(detail::words_of<Table> == words && detail::lanes_of<Table> == (Shared ? 1 : PE),
                  "the tables must have Channels / PE words of PE rows, or one row if shared");
    // One more than the largest input, and a sign.
    using Form = detail::requantizer<Requantizer, InputBits + 2, Levels, FactorBits, SumBits, Shift, Ties>;
    static_assert(Form::tables == 1 + sizeof...(Tables), "the unit takes the tables of its requantizer");

    unsigned word_index = 0;
    for (unsigned beat = 0; beat < Vectors * (Channels / PE); ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<PE * InputBits> x(in.read());
        bits<PE * OutputBits> y;
        for (unsigned p = 0; p < PE; ++p) {
            BNN_PRAGMA(HLS UNROLL)
            const std::int64_t value = decode<InputBits, InputSigned>(x.template get<InputBits>(p * InputBits));
            const std::int64_t count = Form::count(value, word_index, Shared ? 0 : p, table, tables...);
            y.template set<OutputBits>(p * OutputBits, encode<OutputBits>(OutputOffset + count));
        }
        out.write(y.packed());
        word_index = word_index + 1 == words ? 0 : word_index + 1;
    }
}

}  // namespace bnn

#endif
