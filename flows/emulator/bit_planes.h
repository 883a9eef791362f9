// SPDX-License-Identifier: Apache-2.0
// The layout in which single bits are summed: words of 64 elements, one plane per bit where elements have several.
#ifndef BNN_EMULATOR_BIT_PLANES_H
#define BNN_EMULATOR_BIT_PLANES_H

#include <cstring>

#include "row_kernel.h"

namespace bnn {

inline Form bit_form(const Tensor& in, const BitSums& sums) {
    return {sums.planes, rounded_up(in.channels, 64) / 8, rounded_up(in.channels, 32) / 8, in.storage == Storage::bits};
}

// Pixels to that layout.
void prepare_bits(const Tensor& in, const BitSums& sums, const char* from, std::size_t count, char* to,
                  std::size_t plane_bytes);

}  // namespace bnn

#endif
