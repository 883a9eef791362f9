// SPDX-License-Identifier: Apache-2.0
// One stream's integers in the emulator's memory.
//
// A tensor is a sequence of rows, one for each position of each frame, frame after frame; a row holds the channels.
// Rows of `bits` have whole 64-bit words, element 0 in the lowest bit, and the rest of the last word is 0. Rows of
// other storage follow each other without gaps. Nothing behind a tensor's end may be read.
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

    // Whether the other tensor, with as many elements in the same order, has the same bytes.
    bool lies_like(const Tensor& other) const {
        if (storage != other.storage || elements() != other.elements()) return false;
        return channels == other.channels || storage != Storage::bits ||
               (channels % 64 == 0 && other.channels % 64 == 0);
    }

    // Whether the other tensor has as many rows of the same storage and length, which is what matters to a kernel.
    bool has_rows_of(const Tensor& other) const {
        return positions == other.positions && channels == other.channels && storage == other.storage;
    }

    bool is_byte() const { return storage == Storage::uint8 || storage == Storage::int8; }
};

// The narrowest storage of an interval; `bipolar` integers, -1 and +1 only, are stored as bits 0 and 1.
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

// One row to integers and back: the general way, for kernels that have no faster one.
void read_row(const Tensor& tensor, const void* row, std::int64_t* values);
void write_row(const Tensor& tensor, const std::int64_t* values, void* row);

// Packs `count` bytes, each 0 or 1, to bits; the last word is padded with zeros.
void pack_flags(const std::uint8_t* flags, std::size_t count, std::uint64_t* words);

}  // namespace bnn

#endif
