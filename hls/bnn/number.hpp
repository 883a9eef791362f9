// SPDX-License-Identifier: Apache-2.0
// The integers that elements stand for, in units that join two streams.
#ifndef BNN_NUMBER_HPP_
#define BNN_NUMBER_HPP_

#include "word.hpp"

#include <cstdint>

namespace bnn {
namespace detail {

/// The integer that a code stands for; bipolar ones are -1 and +1, stored as 0 and 1.
template <unsigned Bits, bool Bipolar, bool Signed>
std::int64_t number(std::uint64_t code) {
    BNN_PRAGMA(HLS INLINE)
    return Bipolar ? (code != 0 ? 1 : -1) : decode<Bits, Signed>(code);
}

}  // namespace detail

}  // namespace bnn

#endif
