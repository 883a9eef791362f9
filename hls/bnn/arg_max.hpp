// SPDX-License-Identifier: Apache-2.0
// Arg max: the index of a frame's largest score, the first where several are equal.
#ifndef BNN_ARG_MAX_HPP_
#define BNN_ARG_MAX_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {
namespace detail {

/// Scores as they are.
inline std::int64_t compared(std::int64_t score, unsigned, unsigned) { return score; }

/// factor * score + offset, by channel.
template <class Factor, class Offset, std::size_t Words, std::size_t Lanes>
std::int64_t compared(std::int64_t score, unsigned beat, unsigned lane, const Factor (&factors)[Words][Lanes],
                      const Offset (&offsets)[Words][Lanes]) {
    BNN_PRAGMA(HLS INLINE)
    return score * static_cast<std::int64_t>(factors[beat][lane]) + static_cast<std::int64_t>(offsets[beat][lane]);
}

}  // namespace detail

/// The arg max unit, for one frame of Beats beats of Lanes scores; it makes one beat.
///
/// InputBits, InputSigned   the scores
/// OutputBits               of the index
///
/// `tables`: none, or factors [Beats][Lanes] and offsets [Beats][Lanes], to compare factor * score + offset.
template <unsigned Lanes, unsigned Beats, unsigned InputBits, bool InputSigned, unsigned OutputBits, class... Tables>
void arg_max(hls::stream<word<Lanes * InputBits>>& in, hls::stream<word<OutputBits>>& out, const Tables&... tables) {
    static_assert(Lanes >= 1 && Beats >= 1, "a frame has at least one score");
    static_assert(sizeof...(Tables) == 0 || sizeof...(Tables) == 2,
                  "the unit takes no tables, or two: factors and offsets");
    std::int64_t best = 0;
    std::uint64_t index = 0;
    for (unsigned beat = 0; beat < Beats; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<Lanes * InputBits> scores(in.read());
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            BNN_PRAGMA(HLS UNROLL)
            const std::int64_t score = decode<InputBits, InputSigned>(scores.template get<InputBits>(lane * InputBits));
            const std::int64_t value = detail::compared(score, beat, lane, tables...);
            if ((beat == 0 && lane == 0) || value > best) {
                best = value;
                index = beat * Lanes + lane;
            }
        }
    }
    bits<OutputBits> result;
    result.template set<OutputBits>(0, index);
    out.write(result.packed());
}

}  // namespace bnn

#endif
