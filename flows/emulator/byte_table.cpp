// SPDX-License-Identifier: Apache-2.0
// Hot code, compiled with -O3.
#include "byte_table.h"

#include "lanes.h"

namespace bnn {

bool ByteTable::serves(const Tensor& in, const Tensor& out) {
    return in.is_byte() && (out.is_byte() || out.storage == Storage::bits);
}

std::size_t ByteTable::scratch(std::size_t) const { return in_.channels; }

void ByteTable::run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const {
    const std::size_t rows = frames * in_.positions;
    const std::uint8_t* from = static_cast<const std::uint8_t*>(in[0]);
    if (out_.storage != Storage::bits) return bytes(from, rows * in_.channels, static_cast<std::uint8_t*>(out[0]));
    for (std::size_t row = 0; row < rows; ++row) {
        bits(from + row * in_.channels, in_.channels, static_cast<std::uint64_t*>(out[0]) + row * out_.stride() / 8,
             static_cast<std::uint8_t*>(scratch));
    }
}

void ByteTable::find_step() {
    if (out_.storage != Storage::bits) return;
    raise_ = in_.storage == Storage::int8 ? 128 : 0;
    const auto at = [&](std::int64_t value) { return table_[value & 255]; };
    std::int64_t changes = 0, place = in_.lo;
    for (std::int64_t value = in_.lo + 1; value <= in_.hi; ++value) {
        if (at(value) != at(value - 1)) {
            ++changes;
            place = value;
        }
    }
    if (changes > 1) return;
    is_step_ = true;
    // A constant is a step at the lowest value.
    falling_ = changes == 1 ? at(in_.lo) == 1 : at(in_.lo) == 0;
    step_ = static_cast<std::uint8_t>(place + raise_);
}

void ByteTable::bytes(const std::uint8_t* from, std::size_t count, std::uint8_t* to) const {
    std::size_t i = 0;
#if defined(BNN_AVX512)
    const __m512i* table = reinterpret_cast<const __m512i*>(table_);
    const __m512i t0 = _mm512_load_si512(table), t1 = _mm512_load_si512(table + 1);
    const __m512i t2 = _mm512_load_si512(table + 2), t3 = _mm512_load_si512(table + 3);
    for (; i + 64 <= count; i += 64) {
        const __m512i code = _mm512_loadu_si512(from + i);
        const __m512i low = _mm512_permutex2var_epi8(t0, code, t1), high = _mm512_permutex2var_epi8(t2, code, t3);
        _mm512_storeu_si512(to + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(code), low, high));
    }
#endif
    for (; i < count; ++i) to[i] = table_[from[i]];
}

void ByteTable::bits(const std::uint8_t* from, std::size_t count, std::uint64_t* words, std::uint8_t* flags) const {
    if (!is_step_) {
        bytes(from, count, flags);
        return pack_flags(flags, count, words);
    }
    // Flipped bits behind the last channel stay 0.
    const std::uint64_t flip = falling_ ? ~std::uint64_t{0} : 0;
    for (; count >= 64; count -= 64, from += 64) *words++ = bytes_at_least(from, step_, raise_) ^ flip;
    if (count > 0) {
        std::uint8_t rest[64] = {};
        std::memcpy(rest, from, count);
        *words = (bytes_at_least(rest, step_, raise_) ^ flip) & ((std::uint64_t{1} << count) - 1);
    }
}

}  // namespace bnn
