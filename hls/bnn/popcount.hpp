// SPDX-License-Identifier: Apache-2.0
// Counting bits: an adder tree for hardware, the processor's instruction for C simulation. The tests prove them equal.
#ifndef BNN_POPCOUNT_HPP_
#define BNN_POPCOUNT_HPP_

#include "word.hpp"

namespace bnn {

/// The number of ones, written so that Vitis HLS balances it into a tree of adders.
template <unsigned Bits>
unsigned popcount_tree(const bits<Bits>& x) {
    BNN_PRAGMA(HLS INLINE)
    unsigned count = 0;
    for (unsigned i = 0; i < Bits; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        count += static_cast<unsigned>(x.template get<1>(i));
    }
    return count;
}

/// The number of ones, chunk by chunk.
template <unsigned Bits>
unsigned popcount_chunks(const bits<Bits>& x) {
    unsigned count = 0;
    for (unsigned i = 0; i < bits<Bits>::chunks; ++i) {
        count += static_cast<unsigned>(__builtin_popcountll(x.chunk[i]));
    }
    return count;
}

/// The number of ones.
template <unsigned Bits>
unsigned popcount(const bits<Bits>& x) {
    BNN_PRAGMA(HLS INLINE)
#ifdef __SYNTHESIS__
    return popcount_tree(x);
#else
    return popcount_chunks(x);
#endif
}

/// The number of places in which `a` and `b` agree.
template <unsigned Bits>
unsigned equal_bits(const bits<Bits>& a, const bits<Bits>& b) {
    BNN_PRAGMA(HLS INLINE)
    bits<Bits> differing;
    for (unsigned i = 0; i < bits<Bits>::chunks; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        differing.chunk[i] = a.chunk[i] ^ b.chunk[i];
    }
    return Bits - popcount(differing);
}

}  // namespace bnn

#endif
