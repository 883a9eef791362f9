// SPDX-License-Identifier: Apache-2.0
// Arg max: the index of the largest score of a frame, or of each of its pixels, the lowest of equals.
#ifndef BNN_ARG_MAX_HPP_
#define BNN_ARG_MAX_HPP_

#include "table.hpp"
#include "tree.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {
namespace detail {

/// The type of what is compared; in hardware, of exactly the bits that it needs.
#ifdef __SYNTHESIS__
template <unsigned Bits>
using compared_integer = ap_int<Bits>;
#else
template <unsigned Bits>
using compared_integer = std::int64_t;
#endif

/// The scores themselves.
template <unsigned Bits, unsigned Beats, unsigned InputBits, bool InputSigned>
compared_integer<Bits> compared(std::uint64_t code, unsigned, unsigned) {
    BNN_PRAGMA(HLS INLINE)
    return static_cast<compared_integer<Bits>>(decode<InputBits, InputSigned>(code));
}

/// factor * score + offset, by channel.
template <unsigned Bits, unsigned Beats, unsigned InputBits, bool InputSigned, class Factor, class Offset,
          std::size_t Words, std::size_t Lanes>
compared_integer<Bits> compared(std::uint64_t code, unsigned beat, unsigned lane, const Factor (&factors)[Words][Lanes],
                                const Offset (&offsets)[Words][Lanes]) {
    static_assert(Words == Beats, "there must be constants for each beat");
    BNN_PRAGMA(HLS INLINE)
    const compared_integer<Bits> score = compared<Bits, Beats, InputBits, InputSigned>(code, beat, lane);
    return static_cast<compared_integer<Bits>>(score * static_cast<compared_integer<Bits>>(factors[beat][lane]) +
                                               static_cast<compared_integer<Bits>>(offsets[beat][lane]));
}

/// The rank of a score, by channel; where the table has half as many words as there are codes, the codes' lowest bit is
/// constant and left out.
template <unsigned Bits, unsigned Beats, unsigned InputBits, bool InputSigned, class Rank, std::size_t Words,
          std::size_t Lanes>
compared_integer<Bits> compared(std::uint64_t code, unsigned beat, unsigned lane, const Rank (&ranks)[Words][Lanes]) {
    constexpr std::size_t codes = Words / Beats;
    constexpr unsigned shift = codes >> InputBits ? 0 : 1;
    static_assert(codes * Beats == Words && codes << shift == std::size_t{1} << InputBits,
                  "there must be a word for each code, or for each two, of every beat");
    BNN_PRAGMA(HLS INLINE)
    const std::size_t index = static_cast<std::size_t>(code >> shift);
    return static_cast<compared_integer<Bits>>(ranks[beat * codes + index][lane]);
}

/// A score, and its index in the frame.
template <unsigned Bits, unsigned IndexBits>
struct candidate {
    compared_integer<Bits> score;
    rom_bits<IndexBits> index;
};

/// The first of a beat's largest scores, by a tree: only its comparison with those of earlier beats waits for them.
template <unsigned Lanes, unsigned Beats, unsigned InputBits, bool InputSigned, unsigned ComparedBits,
          unsigned OutputBits, class... Tables>
candidate<ComparedBits, OutputBits> best_of_beat(const bits<Lanes * InputBits>& scores, unsigned beat,
                                                 const Tables&... tables) {
    BNN_PRAGMA(HLS INLINE)
    using Candidate = candidate<ComparedBits, OutputBits>;
    Candidate found[Lanes];
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        BNN_PRAGMA(HLS UNROLL)
        const std::uint64_t code = scores.template get<InputBits>(lane * InputBits);
        found[lane].score = compared<ComparedBits, Beats, InputBits, InputSigned>(code, beat, lane, tables...);
        found[lane].index = static_cast<rom_bits<OutputBits>>(beat * Lanes + lane);
    }
    return tree(found, [](const Candidate& first, const Candidate& second) {
        BNN_PRAGMA(HLS INLINE)
        return second.score > first.score ? second : first;
    });
}

}  // namespace detail

/// The arg max unit, for one frame, of which it makes a beat for each pixel.
///
/// Lanes          scores of a beat, at least 1
/// Beats          beats of a pixel, at least 1
/// InputBits      bits of a score, 1 to 32
/// InputSigned    1: scores are in two's complement
/// ComparedBits   bits of what is compared, as a signed number: 1 to 64
/// OutputBits     bits of the index, enough for Lanes * Beats - 1: 1 to 32
/// PixelsOfFrame  pixels of a frame, at least 1
///
/// `tables`: none, to compare the scores; factors [Beats][Lanes] and offsets [Beats][Lanes], to compare
/// factor * score + offset; or ranks [Beats * codes][Lanes], to compare the scores' ranks, where codes is 2^InputBits,
/// or half of that where the lowest bit of all scores is the same.
template <unsigned Lanes, unsigned Beats, unsigned InputBits, bool InputSigned, unsigned ComparedBits,
          unsigned OutputBits, unsigned PixelsOfFrame = 1, class... Tables>
void arg_max(hls::stream<word<Lanes * InputBits>>& in, hls::stream<word<OutputBits>>& out, const Tables&... tables) {
    static_assert(Lanes >= 1 && Beats >= 1 && PixelsOfFrame >= 1, "a frame has at least one score");
    static_assert(OutputBits >= 1 && OutputBits <= 32 && std::uint64_t{Lanes} * Beats <= std::uint64_t{1} << OutputBits,
                  "the output must hold the index of the last score");
    static_assert(ComparedBits >= 1 && ComparedBits <= 64, "what is compared has 1 to 64 bits");
    static_assert(sizeof...(Tables) <= 2, "the unit takes no tables, one (ranks), or two (factors and offsets)");
    detail::compared_integer<ComparedBits> best = 0;
    rom_bits<OutputBits> index = 0;
    unsigned beat = 0;
    for (unsigned step = 0; step < PixelsOfFrame * Beats; ++step) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<Lanes * InputBits> scores(in.read());
        const auto found = detail::best_of_beat<Lanes, Beats, InputBits, InputSigned, ComparedBits, OutputBits>(
            scores, beat, tables...);
        if (beat == 0 || found.score > best) {
            best = found.score;
            index = found.index;
        }
        if (beat == Beats - 1) {
            bits<OutputBits> result;
            result.template set<OutputBits>(0, static_cast<std::uint64_t>(index));
            out.write(result.packed());
            beat = 0;
        } else {
            ++beat;
        }
    }
}

}  // namespace bnn

#endif
