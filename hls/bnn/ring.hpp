// SPDX-License-Identifier: Apache-2.0
// Ring: addresses of a line buffer, a memory that is written and read round and round.
#ifndef BNN_RING_HPP_
#define BNN_RING_HPP_

#include "pragma.hpp"

namespace bnn {

/// `distance`, which may be negative, in a ring of `depth` words.
constexpr unsigned in_ring(long long distance, unsigned depth) {
    return static_cast<unsigned>((distance % depth + depth) % depth);
}

/// `address` so much further on in a ring; `distance` is less than `depth`.
inline unsigned advance(unsigned address, unsigned distance, unsigned depth) {
    BNN_PRAGMA(HLS INLINE)
    const unsigned sum = address + distance;
    return sum >= depth ? sum - depth : sum;
}

}  // namespace bnn

#endif
