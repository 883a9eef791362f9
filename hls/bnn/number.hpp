// SPDX-License-Identifier: Apache-2.0
// The integer that an element's code stands for, in units that combine two streams.
#ifndef BNN_NUMBER_HPP_
#define BNN_NUMBER_HPP_

#include "word.hpp"

#include <cstdint>

namespace bnn {
namespace detail {

/// The integer that a code stands for; bipolar elements are -1 and +1, stored as 0 and 1.
template <unsigned Bits, bool Bipolar, bool Signed>
std::int64_t number(std::uint64_t code) {
    BNN_PRAGMA(HLS INLINE)
    return Bipolar ? (code != 0 ? 1 : -1) : decode<Bits, Signed>(code);
}

}  // namespace detail

}  // namespace bnn

#endif
