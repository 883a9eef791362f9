// SPDX-License-Identifier: Apache-2.0
// Hot code, compiled with -O3.
#include "bit_planes.h"

#include "lanes.h"

namespace bnn {
namespace {

// One bit of each byte.
void plane_bits(const std::uint8_t* bytes, std::size_t count, std::size_t plane, std::uint64_t* words) {
    for (std::size_t i = 0; i < count; i += 64) {
        const std::size_t left = std::min<std::size_t>(count - i, 64);
#if defined(BNN_AVX512)
        const __mmask64 used = left == 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
        const __m512i values = _mm512_maskz_loadu_epi8(used, bytes + i);
        words[i / 64] = _mm512_test_epi8_mask(values, _mm512_set1_epi8(static_cast<char>(1 << plane)));
#else
        std::uint8_t flags[64];
        for (std::size_t b = 0; b < left; ++b) flags[b] = bytes[i + b] >> plane & 1;
        pack_flags(flags, left, words + i / 64);
#endif
    }
}

}  // namespace

void prepare_bits(const Tensor& in, const BitSums& sums, const char* from, std::size_t count, char* to,
                  std::size_t plane_bytes) {
    if (in.storage == Storage::bits) {
        std::memcpy(to, from, count * in.stride());
        return;
    }
    const std::size_t bytes = rounded_up(in.channels, 64) / 8;
    for (std::size_t plane = 0; plane < sums.planes; ++plane) {
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            plane_bits(reinterpret_cast<const std::uint8_t*>(from + pixel * in.stride()), in.channels, plane,
                       reinterpret_cast<std::uint64_t*>(to + plane * plane_bytes + pixel * bytes));
        }
    }
}

}  // namespace bnn
