// SPDX-License-Identifier: Apache-2.0
// One stream's integers as the emulator keeps them in memory.
//
// A tensor is a sequence of rows, one for each position of each frame, frame after frame; a row holds the channels.
// Rows of `bits` take whole 64-bit words, element 0 in the lowest bit, and what is left of the last word is 0. Rows of
// the other kinds follow each other without gap. What lies behind a tensor must not be read.
#ifndef BNN_EMULATOR_TENSOR_H
#define BNN_EMULATOR_TENSOR_H

#include <cstddef>
#include <cstdint>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "rows of bits are read as words of 64, 32 and 8 bits, which takes a little-endian machine"
#endif

namespace bnn {

enum class Storage : int { int64 = 0, int32 = 1, int8 = 2, uint8 = 3, bits = 4 };

constexpr std::size_t kAlignment = 64;

struct Tensor {
    std::size_t positions = 1;
    std::size_t channels = 1;
    std::int64_t lo = 0;
    std::int64_t hi = 0;
    Storage storage = Storage::int64;

    std::size_t elements() const { return positions * channels; }

    // Bytes from one row to the next.
    std::size_t stride() const {
        switch (storage) {
            case Storage::bits: return (channels + 63) / 64 * 8;
            case Storage::uint8:
            case Storage::int8: return channels;
            case Storage::int32: return 4 * channels;
            case Storage::int64: break;
        }
        return 8 * channels;
    }

    std::size_t frame_bytes() const { return positions * stride(); }

    // Whether the other tensor's elements, as many and in the same order, are the same bytes.
    bool lies_like(const Tensor& other) const {
        if (storage != other.storage || elements() != other.elements()) return false;
        return channels == other.channels || storage != Storage::bits ||
               (channels % 64 == 0 && other.channels % 64 == 0);
    }

    // Whether the other one has rows of the same kind, as long and as many: what a kernel goes by.
    bool has_rows_of(const Tensor& other) const {
        return positions == other.positions && channels == other.channels && storage == other.storage;
    }

    bool is_byte() const { return storage == Storage::uint8 || storage == Storage::int8; }
};

// The narrowest storage of an interval; `bipolar` are -1 and +1 only, kept as bits 0 and 1.
inline Tensor make_tensor(std::size_t positions, std::size_t channels, std::int64_t lo, std::int64_t hi, bool bipolar) {
    Tensor tensor{positions, channels, lo, hi, Storage::int64};
    if (bipolar) {
        tensor.storage = Storage::bits;
    } else if (lo >= 0 && hi <= 255) {
        tensor.storage = Storage::uint8;
    } else if (lo >= -128 && hi <= 127) {
        tensor.storage = Storage::int8;
    } else if (lo >= INT32_MIN && hi <= INT32_MAX) {
        tensor.storage = Storage::int32;
    }
    return tensor;
}

// One row as integers, and back: the general way, for kernels that have no faster one.
void read_row(const Tensor& tensor, const void* row, std::int64_t* values);
void write_row(const Tensor& tensor, const std::int64_t* values, void* row);

// `count` bytes, each 0 or 1, to bits; the last word is filled with zeros.
void pack_flags(const std::uint8_t* flags, std::size_t count, std::uint64_t* words);

}  // namespace bnn

#endif
