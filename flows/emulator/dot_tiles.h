// SPDX-License-Identifier: Apache-2.0
// Dot products of a few rows with a few vectors of neurons, held in registers from the first input to the last.
//
// Neurons lie in lanes: a vector holds 32 bits of weights for each of kLanes neurons, so that sums need no reduction
// across lanes, and a comparison with their thresholds gives the bits of the result side by side. A row's inputs come
// 32 bits at a time (a group), broadcast to all lanes; the steps below differ in what the 32 bits hold. Groups follow
// each other in segments; a window on an image has one for each row of its kernel, at the same distances in all rows.
#ifndef BNN_EMULATOR_DOT_TILES_H
#define BNN_EMULATOR_DOT_TILES_H

#include "lanes.h"

namespace bnn {

template <std::size_t Rows, std::size_t Vectors>
struct Sums {
    Lanes at[Rows][Vectors];
};

struct Segment {
    std::size_t offset;  // bytes from the row's beginning
    std::size_t groups;
};

template <class Step>
struct Tiles {
#if defined(BNN_AVX512)
    static constexpr std::size_t kRows = 4;
#else
    static constexpr std::size_t kRows = 2;
#endif

    // `weights` are groups x Vectors x kLanes, for all segments; all rows are read `offset` bytes behind their
    // beginning.
    template <std::size_t Vectors>
    static void tile(const char* const* rows, std::size_t offset, const Segment* segments, std::size_t count,
                     const std::uint32_t* weights, Sums<kRows, Vectors>& sums) {
        for (auto& row : sums.at) {
            for (Lanes& sum : row) sum = Lanes{};
        }
        for (const Segment* segment = segments; segment < segments + count; ++segment) {
            const char* from[kRows];
            for (std::size_t r = 0; r < kRows; ++r) from[r] = rows[r] + offset + segment->offset;
            for (std::size_t group = 0; group < segment->groups; ++group, weights += Vectors * kLanes) {
                ULanes w[Vectors];
                for (std::size_t v = 0; v < Vectors; ++v) w[v] = load(weights + v * kLanes);
                for (std::size_t r = 0; r < kRows; ++r) {
                    std::uint32_t inputs;
                    std::memcpy(&inputs, from[r] + 4 * group, 4);
                    for (std::size_t v = 0; v < Vectors; ++v) {
                        sums.at[r][v] = Step::add(sums.at[r][v], all(inputs), w[v]);
                    }
                }
            }
        }
    }
};

#if defined(BNN_AVX512)

// The number of ones in x ^ w.
struct CountStep {
    static Lanes add(Lanes sum, ULanes x, ULanes w) { return sum + (Lanes)_mm512_popcnt_epi32((__m512i)(x ^ w)); }
};
using BitTiles = Tiles<CountStep>;

// Four unsigned bytes of x times four signed bytes of w.
struct ByteStep {
    using Element = std::uint8_t;
    static Lanes add(Lanes sum, ULanes x, ULanes w) {
        return (Lanes)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
    }
};

#else

// Two signed 16-bit integers of x times two of w.
struct ByteStep {
    using Element = std::int16_t;
    static Lanes add(Lanes sum, ULanes x, ULanes w) {
#if defined(BNN_AVX2)
        return sum + (Lanes)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(__SSE2__)
        return sum + (Lanes)_mm_madd_epi16((__m128i)x, (__m128i)w);
#else
        const Lanes a = (Lanes)x, b = (Lanes)w;
        return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
    }
};

#endif

using ByteTiles = Tiles<ByteStep>;

}  // namespace bnn

#endif
