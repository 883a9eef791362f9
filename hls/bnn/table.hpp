// SPDX-License-Identifier: Apache-2.0
// Tables: constant arrays of weights and thresholds.
//
// The first index is the address; the others lie side by side in hardware (the top level partitions them completely).
// Entries are built-in C++ integers, the narrowest that hold them: a million ap_uint constructors take a compiler many
// minutes. A bit vector of more than 64 bits has one more dimension, of 64-bit chunks, bits 63:0 first. Whoever reads
// an entry truncates it to its bits at once, so that no memory is wider than they are.
#ifndef BNN_TABLE_HPP_
#define BNN_TABLE_HPP_

#include "word.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bnn {

/// An entry that is a bit vector, or one of its chunks; Bits is the width of the whole vector.
template <unsigned Bits>
using rom_bits = std::conditional_t<
    (Bits <= 8), std::uint8_t,
    std::conditional_t<(Bits <= 16), std::uint16_t, std::conditional_t<(Bits <= 32), std::uint32_t, std::uint64_t>>>;

/// An entry that is an integer in two's complement.
template <unsigned Bits>
using rom_integer = std::make_signed_t<rom_bits<Bits>>;

#ifdef __SYNTHESIS__
/// An integer that fits `Bits` bits, as a number of exactly that width.
template <unsigned Bits>
ap_int<Bits> narrow(std::int64_t value) {
    BNN_PRAGMA(HLS INLINE)
    return ap_int<Bits>(value);
}
#else
template <unsigned Bits>
std::int64_t narrow(std::int64_t value) {
    return value;
}
#endif

/// A bit vector from a table.
template <unsigned Bits, class Entry>
bits<Bits> load(const Entry& entry) {
    static_assert(Bits <= chunk_bits, "a table entry of more than 64 bits is an array of 64-bit chunks");
    BNN_PRAGMA(HLS INLINE)
    bits<Bits> result;
    result.chunk[0] = static_cast<std::uint64_t>(entry) & mask_of(Bits);
    return result;
}

template <unsigned Bits, class Entry, std::size_t Chunks>
bits<Bits> load(const Entry (&entry)[Chunks]) {
    static_assert(Chunks == chunks_of(Bits), "a table entry has as many 64-bit chunks as its bits need");
    BNN_PRAGMA(HLS INLINE)
    bits<Bits> result;
    for (unsigned i = 0; i < Chunks; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        const unsigned width = i + 1 < Chunks ? chunk_bits : Bits - chunk_bits * (chunks_of(Bits) - 1);
        result.chunk[i] = static_cast<std::uint64_t>(entry[i]) & mask_of(width);
    }
    return result;
}

}  // namespace bnn

#endif
