// SPDX-License-Identifier: Apache-2.0
// Ring: addresses of a line buffer, a memory that is used as a circular buffer.
#ifndef BNN_RING_HPP_
#define BNN_RING_HPP_

#include "pragma.hpp"

namespace bnn {

/// The address at `distance`, which may be negative, from address 0 of a ring of `depth` words; at least 1.
constexpr unsigned in_ring(long long distance, unsigned depth) {
    return static_cast<unsigned>((distance % depth + depth) % depth);
}

/// The address `distance` words after `address`; `distance` must be less than `depth`.
inline unsigned advance(unsigned address, unsigned distance, unsigned depth) {
    BNN_PRAGMA(HLS INLINE)
    // The comparison does not wait for a sum.
    const unsigned back = depth - distance;
    return address >= back ? address - back : address + distance;
}

}  // namespace bnn

#endif
