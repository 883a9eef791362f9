// SPDX-License-Identifier: Apache-2.0
// Vectors of 32-bit integers, as wide as the path being compiled has them; four on the path for every machine.
//
// The intrinsics in this header take as long to parse as everything else: sources that need no vectors do not include
// it.
#ifndef BNN_EMULATOR_LANES_H
#define BNN_EMULATOR_LANES_H

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "path.h"
#include "tensor.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace bnn {

#if defined(BNN_AVX512)
constexpr std::size_t kLanes = 16;
#elif defined(BNN_AVX2)
constexpr std::size_t kLanes = 8;
#else
constexpr std::size_t kLanes = 4;
#endif

typedef std::int32_t Lanes __attribute__((vector_size(4 * kLanes)));
typedef std::uint32_t ULanes __attribute__((vector_size(4 * kLanes)));

inline ULanes load(const std::uint32_t* from) {
    ULanes value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

inline Lanes load(const std::int32_t* from) {
    Lanes value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

inline ULanes all(std::uint32_t value) { return ULanes{} + value; }
inline Lanes all(std::int32_t value) { return Lanes{} + value; }

// Bit i is whether lane i of `a` is at least that of `b`.
inline unsigned at_least(Lanes a, Lanes b) {
#if defined(BNN_AVX512)
    return _mm512_cmpge_epi32_mask((__m512i)a, (__m512i)b);
#else
    const Lanes less = a < b;
#if defined(BNN_AVX2)
    return 0xffu ^ static_cast<unsigned>(_mm256_movemask_ps((__m256)less));
#elif defined(__SSE2__)
    return 0xfu ^ static_cast<unsigned>(_mm_movemask_ps((__m128)less));
#else
    unsigned bits = 0;
    for (std::size_t i = 0; i < kLanes; ++i) bits |= static_cast<unsigned>(less[i] + 1) << i;
    return bits;
#endif
#endif
}

// Bit i is whether byte i of 64, exclusive-ored with `flip`, is at least `limit`.
inline std::uint64_t bytes_at_least(const std::uint8_t* bytes, std::uint8_t limit, std::uint8_t flip) {
    std::uint64_t result = 0;
#if defined(BNN_AVX512)
    const __m512i value = _mm512_xor_si512(_mm512_loadu_si512(bytes), _mm512_set1_epi8(static_cast<char>(flip)));
    result = _mm512_cmpge_epu8_mask(value, _mm512_set1_epi8(static_cast<char>(limit)));
#elif defined(BNN_AVX2)
    for (std::size_t i = 0; i < 64; i += 32) {
        const __m256i value = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + i)),
                                               _mm256_set1_epi8(static_cast<char>(flip)));
        const __m256i larger = _mm256_max_epu8(value, _mm256_set1_epi8(static_cast<char>(limit)));
        const auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(larger, value)));
        result |= static_cast<std::uint64_t>(mask) << i;
    }
#elif defined(__SSE2__)
    for (std::size_t i = 0; i < 64; i += 16) {
        const __m128i value = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i)),
                                            _mm_set1_epi8(static_cast<char>(flip)));
        const __m128i larger = _mm_max_epu8(value, _mm_set1_epi8(static_cast<char>(limit)));
        const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(larger, value)));
        result |= static_cast<std::uint64_t>(mask) << i;
    }
#else
    std::uint8_t flags[64];
    for (std::size_t i = 0; i < 64; ++i) flags[i] = static_cast<std::uint8_t>(bytes[i] ^ flip) >= limit;
    pack_flags(flags, 64, &result);
#endif
    return result;
}

}  // namespace bnn

#endif
