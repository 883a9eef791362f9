// SPDX-License-Identifier: Apache-2.0
// Counting ones: compressors for hardware, the processor's instruction for C simulation. The tests compare the two.
#ifndef BNN_POPCOUNT_HPP_
#define BNN_POPCOUNT_HPP_

#include "word.hpp"

#include <type_traits>

namespace bnn {
namespace detail {

constexpr unsigned compressed_bits = 6;

/// The number of ones among six bits. Each of the result's three bits is a function of the six: one LUT6 each.
inline unsigned compress(std::uint64_t x) {
    BNN_PRAGMA(HLS INLINE)
    const unsigned a = x & 1, b = x >> 1 & 1, c = x >> 2 & 1, d = x >> 3 & 1, e = x >> 4 & 1, f = x >> 5 & 1;
    const unsigned sum_low = a ^ b ^ c;
    const unsigned sum_high = d ^ e ^ f;
    const unsigned carry_low = (a & b) | (a & c) | (b & c);
    const unsigned carry_high = (d & e) | (d & f) | (e & f);
    const unsigned carry = sum_low & sum_high;
    const unsigned ones = sum_low ^ sum_high;
    const unsigned twos = carry_low ^ carry_high ^ carry;
    const unsigned fours = (carry_low & carry_high) | (carry_low & carry) | (carry_high & carry);
    return ones | twos << 1 | fours << 2;
}

/// The number of ones among `Bits` bits from `Offset` on: both halves' counts added, which makes a balanced tree.
template <unsigned Offset, unsigned Bits, unsigned All>
unsigned count_ones(const bits<All>& x, std::true_type) {
    BNN_PRAGMA(HLS INLINE)
    return compress(x.template get<Bits>(Offset));
}

template <unsigned Offset, unsigned Bits, unsigned All>
unsigned count_ones(const bits<All>& x, std::false_type) {
    BNN_PRAGMA(HLS INLINE)
    constexpr unsigned groups = (Bits + compressed_bits - 1) / compressed_bits;
    constexpr unsigned low = groups / 2 * compressed_bits;
    return count_ones<Offset, low>(x, std::integral_constant<bool, (low <= compressed_bits)>()) +
           count_ones<Offset + low, Bits - low>(x, std::integral_constant<bool, (Bits - low <= compressed_bits)>());
}

}  // namespace detail

/// The number of ones: groups of six bits compressed to counts of three bits, then a tree of adders.
template <unsigned Bits>
unsigned popcount_tree(const bits<Bits>& x) {
    BNN_PRAGMA(HLS INLINE)
    return detail::count_ones<0, Bits>(x, std::integral_constant<bool, (Bits <= detail::compressed_bits)>());
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

/// The number of bits in which `a` and `b` agree.
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

/// The number of bits set in `counted` in which `a` and `b` agree.
template <unsigned Bits>
unsigned equal_bits(const bits<Bits>& a, const bits<Bits>& b, const bits<Bits>& counted) {
    BNN_PRAGMA(HLS INLINE)
    bits<Bits> agreeing;
    for (unsigned i = 0; i < bits<Bits>::chunks; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        agreeing.chunk[i] = ~(a.chunk[i] ^ b.chunk[i]) & counted.chunk[i];
    }
    return popcount(agreeing);
}

}  // namespace bnn

#endif
