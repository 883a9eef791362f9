// SPDX-License-Identifier: Apache-2.0
// Tables: constant arrays of weights and thresholds.
//
// The first index is the address, the others stand side by side in hardware (the top level partitions them completely).
// Entries are ap_uint and ap_int in hardware, so that no memory is wider than it need be, and the compiler's own
// integers in C simulation, where a constructor for each of a million weights would take minutes to compile. A bit
// vector of more than 64 bits is one more dimension of 64-bit chunks, bits 63:0 first.
#ifndef BNN_TABLE_HPP_
#define BNN_TABLE_HPP_

#include "word.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bnn {

/// An entry that is a bit vector, or one of its chunks; Bits counts over all chunks.
#ifdef __SYNTHESIS__
template <unsigned Bits>
using rom_bits = ap_uint<(Bits < chunk_bits ? Bits : chunk_bits)>;

/// An entry that is an integer in two's complement.
template <unsigned Bits>
using rom_integer = ap_int<Bits>;
#else
template <unsigned Bits>
using rom_bits = std::conditional_t<
    (Bits <= 8), std::uint8_t,
    std::conditional_t<(Bits <= 16), std::uint16_t, std::conditional_t<(Bits <= 32), std::uint32_t, std::uint64_t>>>;

template <unsigned Bits>
using rom_integer = std::make_signed_t<rom_bits<Bits>>;
#endif

/// A bit vector from a table.
template <unsigned Bits, class Entry>
bits<Bits> load(const Entry& entry) {
    static_assert(Bits <= chunk_bits, "a table entry of more than 64 bits is an array of 64-bit chunks");
    BNN_PRAGMA(HLS INLINE)
    bits<Bits> result;
    result.chunk[0] = static_cast<std::uint64_t>(entry);
    return result;
}

template <unsigned Bits, class Entry, std::size_t Chunks>
bits<Bits> load(const Entry (&entry)[Chunks]) {
    static_assert(Chunks == chunks_of(Bits), "a table entry has as many 64-bit chunks as its bits need");
    BNN_PRAGMA(HLS INLINE)
    bits<Bits> result;
    for (unsigned i = 0; i < Chunks; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        result.chunk[i] = static_cast<std::uint64_t>(entry[i]);
    }
    return result;
}

}  // namespace bnn

#endif
