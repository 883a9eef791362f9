// SPDX-License-Identifier: Apache-2.0
// Bits of many rows side by side: a slice holds one bit of each of kSliceRows rows, so that logic on slices does
// arithmetic for all rows at once.
#ifndef BNN_EMULATOR_SLICES_H
#define BNN_EMULATOR_SLICES_H

#include <cstddef>
#include <cstdint>

#include "lanes.h"

namespace bnn {

constexpr std::size_t kSliceBytes = 4 * kLanes;
constexpr std::size_t kSliceRows = 8 * kSliceBytes;
constexpr std::size_t kSliceWords = kSliceBytes / 8;

typedef std::uint64_t Slice __attribute__((vector_size(kSliceBytes)));

// The sum of three bits: its lower bit replaces `sum`, its upper one is the result. Where instructions overwrite an
// operand, this form needs only one copy.
inline Slice add_bits(Slice& sum, Slice a, Slice b) {
    const Slice before = sum;
    a ^= before;
    sum = a ^ b;
    return before ^ (a & (before ^ b));
}

// Transposes 64 slices word by word: bit j of slice i and bit i of slice j are exchanged. Row 64 * w + r has its bit in
// word w, bit r.
template <std::size_t Distance>
inline void exchange(Slice* slices, std::uint64_t mask) {
    for (std::size_t base = 0; base < 64; base += 2 * Distance) {
        for (std::size_t i = base; i < base + Distance; ++i) {
            const Slice change = ((slices[i] >> Distance) ^ slices[i + Distance]) & mask;
            slices[i + Distance] ^= change;
            slices[i] ^= change << Distance;
        }
    }
}

inline void transpose(Slice* slices) {
    exchange<32>(slices, 0x00000000ffffffffu);
    exchange<16>(slices, 0x0000ffff0000ffffu);
    exchange<8>(slices, 0x00ff00ff00ff00ffu);
    exchange<4>(slices, 0x0f0f0f0f0f0f0f0fu);
    exchange<2>(slices, 0x3333333333333333u);
    exchange<1>(slices, 0x5555555555555555u);
}

}  // namespace bnn

#endif
