// SPDX-License-Identifier: Apache-2.0
// Words: what one beat of a stream carries, and how a unit accesses its fields.
//
// word<Bits> is the type in streams and buffers: an ap_uint up to 1,024 bits (the widest that every ap_int.h accepts
// without further settings), an array of 64-bit chunks beyond. bits<Bits> is the same word unpacked into 64-bit chunks,
// the form in which units work on it: in hardware its indices are constants after unrolling, so reading a field is
// wiring; in C simulation whole chunks are read at a time, and ap_int's slow range operators are used once per word.
#ifndef BNN_WORD_HPP_
#define BNN_WORD_HPP_

#include "ap_types.hpp"
#include "pragma.hpp"

#include <cstdint>
#include <type_traits>

namespace bnn {

constexpr unsigned chunk_bits = 64;
constexpr unsigned widest_ap_uint = 1024;

/// The number of chunks that hold `width` bits.
constexpr unsigned chunks_of(unsigned width) { return (width + chunk_bits - 1) / chunk_bits; }

/// The lowest `width` bits set, for `width` from 1 to 64.
constexpr std::uint64_t mask_of(unsigned width) { return ~std::uint64_t{0} >> (chunk_bits - width); }

/// A word of more than 1,024 bits. The last chunk is zero above the word. Its chunks lie side by side in every memory,
/// so that a word is read at once.
template <unsigned Bits>
struct wide_word {
    ap_uint<64> chunk[chunks_of(Bits)];

    wide_word() {
        BNN_PRAGMA(HLS INLINE)
        BNN_PRAGMA(HLS ARRAY_PARTITION variable=chunk complete)
    }
};

template <unsigned Bits>
using word = std::conditional_t<(Bits <= widest_ap_uint), ap_uint<Bits>, wide_word<Bits>>;

/// Chunk `index` of a word, zero above the word.
template <int Bits>
std::uint64_t chunk_of(const ap_uint<Bits>& from, unsigned index) {
    BNN_PRAGMA(HLS INLINE)
    if (Bits <= static_cast<int>(chunk_bits)) return from.to_uint64();
    const int low = static_cast<int>(chunk_bits * index);
    const int high = low + static_cast<int>(chunk_bits) - 1;
    return from.range(high < Bits ? high : Bits - 1, low).to_uint64();
}

template <unsigned Bits>
std::uint64_t chunk_of(const wide_word<Bits>& from, unsigned index) {
    BNN_PRAGMA(HLS INLINE)
    return from.chunk[index].to_uint64();
}

/// Overwrites chunk `index` of a word; `value` is zero above the word.
template <int Bits>
void set_chunk(ap_uint<Bits>& in, unsigned index, std::uint64_t value) {
    BNN_PRAGMA(HLS INLINE)
    if (Bits <= static_cast<int>(chunk_bits)) {
        in = value;
    } else {
        const int low = static_cast<int>(chunk_bits * index);
        const int high = low + static_cast<int>(chunk_bits) - 1;
        in.range(high < Bits ? high : Bits - 1, low) = value;
    }
}

template <unsigned Bits>
void set_chunk(wide_word<Bits>& in, unsigned index, std::uint64_t value) {
    BNN_PRAGMA(HLS INLINE)
    in.chunk[index] = value;
}

/// An unpacked word, zero at first. Bits above the word are always zero.
template <unsigned Bits>
struct bits {
    static_assert(Bits >= 1, "a word has at least one bit");
    static constexpr unsigned chunks = chunks_of(Bits);

    std::uint64_t chunk[chunks];

    bits() {
        BNN_PRAGMA(HLS INLINE)
        BNN_PRAGMA(HLS ARRAY_PARTITION variable=chunk complete)
        for (unsigned i = 0; i < chunks; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            chunk[i] = 0;
        }
    }

    explicit bits(const word<Bits>& from) {
        BNN_PRAGMA(HLS INLINE)
        BNN_PRAGMA(HLS ARRAY_PARTITION variable=chunk complete)
        for (unsigned i = 0; i < chunks; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            chunk[i] = chunk_of(from, i);
        }
    }

    /// All bits set.
    static bits ones() {
        BNN_PRAGMA(HLS INLINE)
        bits result;
        for (unsigned i = 0; i < chunks; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            result.chunk[i] = i + 1 < chunks ? ~std::uint64_t{0} : mask_of(Bits - chunk_bits * (chunks - 1));
        }
        return result;
    }

    word<Bits> packed() const {
        BNN_PRAGMA(HLS INLINE)
        word<Bits> result{};
        for (unsigned i = 0; i < chunks; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            set_chunk(result, i, chunk[i]);
        }
        return result;
    }

    /// The `Width` bits from `offset` on.
    template <unsigned Width>
    std::uint64_t get(unsigned offset) const {
        static_assert(Width >= 1 && Width <= chunk_bits, "a field read at once has 1 to 64 bits");
        BNN_PRAGMA(HLS INLINE)
        const unsigned index = offset / chunk_bits;
        const unsigned shift = offset % chunk_bits;
        std::uint64_t value = chunk[index] >> shift;
        if (shift + Width > chunk_bits) value |= chunk[index + 1] << (chunk_bits - shift);
        return value & mask_of(Width);
    }

    /// Writes `Width` bits from `offset` on, which must be zero before; `value` has no bits above them.
    template <unsigned Width>
    void set(unsigned offset, std::uint64_t value) {
        static_assert(Width >= 1 && Width <= chunk_bits, "a field written at once has 1 to 64 bits");
        BNN_PRAGMA(HLS INLINE)
        const unsigned index = offset / chunk_bits;
        const unsigned shift = offset % chunk_bits;
        chunk[index] |= value << shift;
        if (shift + Width > chunk_bits) chunk[index + 1] |= value >> (chunk_bits - shift);
    }

    /// `get` for fields of any width.
    template <unsigned Width>
    bits<Width> slice(unsigned offset) const {
        BNN_PRAGMA(HLS INLINE)
        constexpr unsigned last = bits<Width>::chunks - 1;
        bits<Width> result;
        for (unsigned i = 0; i < last; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            result.chunk[i] = get<chunk_bits>(offset + chunk_bits * i);
        }
        result.chunk[last] = get<Width - chunk_bits * last>(offset + chunk_bits * last);
        return result;
    }

    /// `set` for fields of any width.
    template <unsigned Width>
    void insert(unsigned offset, const bits<Width>& value) {
        BNN_PRAGMA(HLS INLINE)
        constexpr unsigned last = bits<Width>::chunks - 1;
        for (unsigned i = 0; i < last; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            set<chunk_bits>(offset + chunk_bits * i, value.chunk[i]);
        }
        set<Width - chunk_bits * last>(offset + chunk_bits * last, value.chunk[last]);
    }
};

/// The integer whose code of `Bits` bits is `code`.
template <unsigned Bits, bool Signed>
std::int64_t decode(std::uint64_t code) {
    static_assert(Bits >= 1 && Bits <= 32, "an element of a stream has 1 to 32 bits");
    BNN_PRAGMA(HLS INLINE)
    const std::int64_t value = static_cast<std::int64_t>(code);
    constexpr std::int64_t half = std::int64_t{1} << (Bits - 1);
    return Signed && value >= half ? value - 2 * half : value;
}

/// The code of `Bits` bits of `value`, in two's complement.
template <unsigned Bits>
std::uint64_t encode(std::int64_t value) {
    static_assert(Bits >= 1 && Bits <= chunk_bits, "a code has 1 to 64 bits");
    BNN_PRAGMA(HLS INLINE)
    return static_cast<std::uint64_t>(value) & mask_of(Bits);
}

}  // namespace bnn

#endif
