// SPDX-License-Identifier: Apache-2.0
// Dot products of a few rows with a few vectors of neurons, held in registers from the first input to the last.
//
// Neurons lie in lanes: a vector holds 32 bits of weights for each of kLanes neurons, so that sums need no reduction
// across lanes, and a comparison with their thresholds gives the bits of the result side by side. A row's inputs come 32
// bits at a time (a group), spread over all lanes. What the 32 bits hold, and how a group is summed, is what the
// arithmetics below differ in. Each states
//
//   encode   how a row's groups and a neuron's groups are rewritten before, once a row and once a net: both are linear
//            and the same, so that their difference can be taken afterwards;
//   rows     rows a tile, vectors a tile, chosen so that sums and operands stay in registers;
//   tile     the sums of a tile.
#ifndef BNN_EMULATOR_DOT_TILES_H
#define BNN_EMULATOR_DOT_TILES_H

#include "lanes.h"

namespace bnn {

template <std::size_t Rows, std::size_t Vectors>
struct Sums {
    Lanes at[Rows][Vectors];
};

// Groups that are summed by themselves, one step each.
template <class Step>
struct PlainTiles {
    static constexpr bool kEncodes = false;
#if defined(BNN_AVX512)
    static constexpr std::size_t kRows = 4, kVectors = 4;
#else
    static constexpr std::size_t kRows = 2, kVectors = 4;
#endif

    static std::size_t encoded_groups(std::size_t groups) { return groups; }

    static void encode(const std::uint32_t* groups, std::size_t count, std::uint32_t* encoded) {
        std::memcpy(encoded, groups, 4 * count);
    }

    // `weights` are groups x Vectors x kLanes; row r begins at rows + r * stride (in groups).
    template <std::size_t Rows, std::size_t Vectors>
    static void tile(const std::uint32_t* rows, std::size_t stride, const std::uint32_t* weights, std::size_t groups,
                     Sums<Rows, Vectors>& sums) {
        for (auto& row : sums.at) {
            for (Lanes& sum : row) sum = Lanes{};
        }
        for (std::size_t group = 0; group < groups; ++group) {
            ULanes w[Vectors];
            for (std::size_t v = 0; v < Vectors; ++v) w[v] = load(weights + (group * Vectors + v) * kLanes);
            for (std::size_t r = 0; r < Rows; ++r) {
                const ULanes x = all(rows[r * stride + group]);
                for (std::size_t v = 0; v < Vectors; ++v) sums.at[r][v] = Step::add(sums.at[r][v], x, w[v]);
            }
        }
    }
};

#if defined(BNN_AVX512)

// The number of ones in x ^ w.
struct CountStep {
    static Lanes add(Lanes sum, ULanes x, ULanes w) { return sum + (Lanes)_mm512_popcnt_epi32((__m512i)(x ^ w)); }
};
using BitTiles = PlainTiles<CountStep>;

// Four unsigned bytes of x times four signed bytes of w.
struct ByteStep {
    static constexpr std::size_t kInputs = 4;
    static Lanes add(Lanes sum, ULanes x, ULanes w) {
        return (Lanes)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
    }
};

#else

// The number of ones in x ^ w, by carry-save adders: three vectors of bits become two, of ones and of twos, until few
// are left to be counted.
//
// Two groups enter at a time, behind the parity s of all groups before: the carry of (s, x1 ^ w1, x2 ^ w2) counts twice,
// and the sum is the next parity. Parities are linear: with s = A ^ P, the carry is
// s ^ ((A ^ x1) ^ (P ^ w1)) & ((A ^ x2) ^ (P ^ w2)), where everything about the row can be found once for all neurons,
// and everything about a neuron once for all rows. A pair is encoded as (A ^ x1, A ^ x2, A), and the last A follows.
struct BitTiles {
    static constexpr bool kEncodes = true;
#if defined(BNN_AVX2)
    static constexpr std::size_t kRows = 2, kVectors = 1;
#else
    static constexpr std::size_t kRows = 1, kVectors = 2;
#endif

    static std::size_t encoded_groups(std::size_t groups) { return (groups + 1) / 2 * 3 + 1; }

    static void encode(const std::uint32_t* groups, std::size_t count, std::uint32_t* encoded) {
        std::uint32_t parity = 0;
        for (std::size_t i = 0; i < count; i += 2) {
            const std::uint32_t first = groups[i], second = i + 1 < count ? groups[i + 1] : 0;
            *encoded++ = parity ^ first;
            *encoded++ = parity ^ second;
            *encoded++ = parity;
            parity ^= first ^ second;
        }
        *encoded = parity;
    }

    template <std::size_t Rows, std::size_t Vectors>
    static void tile(const std::uint32_t* rows, std::size_t stride, const std::uint32_t* weights, std::size_t encoded,
                     Sums<Rows, Vectors>& sums) {
        const std::size_t pairs = encoded / 3;
        ULanes twos[Rows][Vectors] = {}, fours[Rows][Vectors] = {};
        const auto carry = [&](std::size_t pair, std::size_t r, std::size_t v) {
            const std::uint32_t* row = rows + r * stride + 3 * pair;
            const std::uint32_t* from = weights + (3 * pair * Vectors + v) * kLanes;
            const ULanes u = all(row[0]) ^ load(from);
            const ULanes t = all(row[1]) ^ load(from + Vectors * kLanes);
            const ULanes s = all(row[2]) ^ load(from + 2 * Vectors * kLanes);
            return s ^ (u & t);
        };
        for (auto& row : sums.at) {
            for (Lanes& sum : row) sum = Lanes{};
        }
        std::size_t pair = 0;
        while (pair + 4 <= pairs) {
            // The counts of 31 times 8 ones fit in a byte.
            const std::size_t end = pair + 31 * 4 < pairs ? pair + 31 * 4 : pairs / 4 * 4;
            ULanes eights[Rows][Vectors] = {};
            for (; pair < end; pair += 4) {
                for (std::size_t r = 0; r < Rows; ++r) {
                    for (std::size_t v = 0; v < Vectors; ++v) {
                        const ULanes a = add(twos[r][v], carry(pair, r, v), carry(pair + 1, r, v));
                        const ULanes b = add(twos[r][v], carry(pair + 2, r, v), carry(pair + 3, r, v));
                        eights[r][v] += count_in_bytes(add(fours[r][v], a, b));
                    }
                }
            }
            for (std::size_t r = 0; r < Rows; ++r) {
                for (std::size_t v = 0; v < Vectors; ++v) sums.at[r][v] += sum_bytes(eights[r][v]) << 3;
            }
        }
        for (std::size_t r = 0; r < Rows; ++r) {
            for (std::size_t v = 0; v < Vectors; ++v) {
                const ULanes last = all(rows[r * stride + 3 * pairs]) ^ load(weights + (3 * pairs * Vectors + v) * kLanes);
                ULanes pairs_left = count_in_bytes(twos[r][v]);
                for (std::size_t rest = pair; rest < pairs; ++rest) pairs_left += count_in_bytes(carry(rest, r, v));
                // At most 8 + 2 * 4 * 8 + 4 * 8 in a byte.
                const ULanes bytes = count_in_bytes(last) + (pairs_left << 1) + (count_in_bytes(fours[r][v]) << 2);
                sums.at[r][v] += sum_bytes(bytes);
            }
        }
    }

private:
    // A carry-save adder: `sum` becomes the parity of the three, the result is their carry.
    static ULanes add(ULanes& sum, ULanes b, ULanes c) {
        const ULanes half = sum ^ b;
        const ULanes result = (sum & b) | (half & c);
        sum = half ^ c;
        return result;
    }
};

// Two signed 16-bit integers of x times two of w.
struct ByteStep {
    static constexpr std::size_t kInputs = 2;
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

using ByteTiles = PlainTiles<ByteStep>;

}  // namespace bnn

#endif
