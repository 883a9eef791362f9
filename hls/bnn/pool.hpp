// SPDX-License-Identifier: Apache-2.0
// Pool: reduces the pixels of each window to one, channel by channel: their sum, their largest or their smallest.
//
// The pixels of a window come one after the other, each with all its channels, or several at once. Codes of -1 and +1
// are in the order of these numbers, so their largest is an OR and their smallest an AND.
#ifndef BNN_POOL_HPP_
#define BNN_POOL_HPP_

#include "table.hpp"
#include "tree.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {

/// The pool unit, for one frame.
///
/// Channels       channels of a pixel, at least 1
/// Windows        windows of a frame, at least 1
/// Taps           pixels of a window, at least 1
/// PE             channels of a pixel in a beat, a divisor of Channels
/// SIMD           pixels of a window in a beat, a divisor of Taps, PE channels of each
/// Pixels         windows of a beat, a divisor of Windows; more than one needs SIMD = Taps and PE = Channels
/// InputBits      bits of an input element, 1 to 32
/// InputBipolar   1: input elements are -1 and +1, stored as 0 and 1, of one bit
/// InputSigned    1: input elements are in two's complement
/// Flagged        1: above the elements, a flag for each pixel says that it lies outside the image and does not count
/// Sum            1: sums; 0: extrema
/// OutputBits     bits of an output element, 1 to 32: enough for any sum; of an extremum, InputBits
///
/// `smallest` [Channels / PE][PE]: whether a channel's extremum is the smallest (1) or the largest (0).
template <unsigned Channels, unsigned Windows, unsigned Taps, unsigned PE, unsigned SIMD, unsigned Pixels,
          unsigned InputBits, bool InputBipolar, bool InputSigned, bool Flagged, bool Sum, unsigned OutputBits,
          class Flag, std::size_t Words, std::size_t Lanes>
void pool(hls::stream<word<(PE * InputBits + Flagged) * SIMD * Pixels>>& in,
          hls::stream<word<Pixels * PE * OutputBits>>& out, const Flag (&smallest)[Words][Lanes]) {
    static_assert(Channels >= 1 && Windows >= 1 && Taps >= 1, "a frame has at least one window of one pixel");
    static_assert(PE >= 1 && Channels % PE == 0, "PE must divide the channels");
    static_assert(SIMD >= 1 && Taps % SIMD == 0, "SIMD must divide the pixels of a window");
    static_assert(Pixels == 1 || (SIMD == Taps && PE == Channels), "several windows per beat must be whole");
    static_assert(Pixels >= 1 && Windows % Pixels == 0, "the windows of a beat must divide those of a frame");
    static_assert(!InputBipolar || InputBits == 1, "elements of -1 and +1 have one bit");
    static_assert(Sum || OutputBits == InputBits, "an extremum has the bits of the input elements");
    static_assert(Words == Channels / PE && Lanes == PE, "the table must have one bit per channel");
    constexpr unsigned chunks = Channels / PE;
    constexpr unsigned steps = Taps / SIMD;
    constexpr unsigned elements = Pixels * SIMD * PE;
    constexpr unsigned outputs = Pixels * PE;
    constexpr bool output_signed = Sum || InputSigned;
    constexpr unsigned beat_bits = (PE * InputBits + Flagged) * SIMD * Pixels;
    // The integers from the lowest code to the highest. As an order, -1 and +1 are 0 and 1.
    constexpr std::int64_t low = InputSigned ? -(std::int64_t{1} << (InputBits - 1)) : 0;
    constexpr std::int64_t high = low + ((std::int64_t{1} << InputBits) - 1);

    word<outputs * OutputBits> kept[chunks];
    BNN_PRAGMA(HLS DEPENDENCE variable=kept type=inter direction=RAW distance=chunks dependent=true)

    unsigned chunk = 0;
    unsigned step = 0;
    for (unsigned beat = 0; beat < Windows / Pixels * steps * chunks; ++beat) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bits<beat_bits> x(in.read());
        const bits<outputs * OutputBits> before(kept[chunk]);
        bits<outputs * OutputBits> y;
        for (unsigned o = 0; o < outputs; ++o) {
            BNN_PRAGMA(HLS UNROLL)
            const bool least = (smallest[chunk][o % PE] & 1) != 0;
            // What changes no result: 0, the lowest or the highest.
            const std::int64_t neutral = Sum ? 0 : least ? high : low;
            const auto join = [least](std::int64_t a, std::int64_t b) {
                BNN_PRAGMA(HLS INLINE)
                return Sum ? a + b : (b < a) == least ? b : a;
            };
            std::int64_t values[SIMD];
            for (unsigned tap = 0; tap < SIMD; ++tap) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned pixel = o / PE * SIMD + tap;
                const std::uint64_t code = x.template get<InputBits>((pixel * PE + o % PE) * InputBits);
                const bool outside = Flagged && x.template get<1>((elements * InputBits + pixel) % beat_bits) != 0;
                const bool is_bit = Sum && InputBipolar;
                values[tap] = outside ? neutral : is_bit ? (code != 0 ? 1 : -1) : decode<InputBits, InputSigned>(code);
            }
            const std::int64_t earlier =
                step == 0 ? neutral
                          : decode<OutputBits, output_signed>(before.template get<OutputBits>(o * OutputBits));
            const std::int64_t so_far = join(earlier, detail::tree(values, join));
            y.template set<OutputBits>(o * OutputBits, encode<OutputBits>(so_far));
        }
        kept[chunk] = y.packed();
        if (step == steps - 1) out.write(y.packed());
        if (chunk == chunks - 1) {
            chunk = 0;
            step = step == steps - 1 ? 0 : step + 1;
        } else {
            ++chunk;
        }
    }
}

}  // namespace bnn

#endif
