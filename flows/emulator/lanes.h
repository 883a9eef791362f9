// SPDX-License-Identifier: Apache-2.0
// Vectors of 32-bit integers, as wide as the path that is being compiled has them.
//
// The path follows from the compiler's options alone: AVX-512 with VPOPCNTDQ, VNNI and VBMI; AVX2; else vectors of four,
// which every compiler makes something of. A library holds one path, so that nothing of another can slip in.
#ifndef BNN_EMULATOR_LANES_H
#define BNN_EMULATOR_LANES_H

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VPOPCNTDQ__) && \
    defined(__AVX512VNNI__) && defined(__AVX512VBMI__)
#define BNN_AVX512 1
#elif defined(__AVX2__)
#define BNN_AVX2 1
#endif

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

// Bit i says whether lane i of `a` is at least that of `b`.
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

// The ones in each lane's four bytes `counts`, themselves counts below 256.
inline Lanes sum_bytes(ULanes counts) {
    const ULanes halves = (counts & 0x00ff00ffu) + (counts >> 8 & 0x00ff00ffu);
    return (Lanes)((halves & 0xffffu) + (halves >> 16));
}

#if !defined(BNN_AVX512)
// The ones in each byte.
inline ULanes count_in_bytes(ULanes x) {
#if defined(BNN_AVX2)
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2,
                                           2, 3, 2, 3, 3, 4);
    const __m256i low = (__m256i)(x & 0x0f0f0f0fu), high = (__m256i)(x >> 4 & 0x0f0f0f0fu);
    return (ULanes)_mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
#else
    x -= x >> 1 & 0x55555555u;
    x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
    return (x + (x >> 4)) & 0x0f0f0f0fu;
#endif
}
#endif

}  // namespace bnn

#endif
