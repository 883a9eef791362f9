// SPDX-License-Identifier: Apache-2.0
#include "tensor.h"

#include <cstring>

namespace bnn {
namespace {

template <class T>
void read_plain(const void* row, std::size_t channels, std::int64_t* values) {
    const T* source = static_cast<const T*>(row);
    for (std::size_t i = 0; i < channels; ++i) values[i] = source[i];
}

template <class T>
void write_plain(const std::int64_t* values, std::size_t channels, void* row) {
    T* target = static_cast<T*>(row);
    for (std::size_t i = 0; i < channels; ++i) target[i] = static_cast<T>(values[i]);
}

}  // namespace

void read_row(const Tensor& tensor, const void* row, std::int64_t* values) {
    switch (tensor.storage) {
        case Storage::int64: return read_plain<std::int64_t>(row, tensor.channels, values);
        case Storage::int32: return read_plain<std::int32_t>(row, tensor.channels, values);
        case Storage::int8: return read_plain<std::int8_t>(row, tensor.channels, values);
        case Storage::uint8: return read_plain<std::uint8_t>(row, tensor.channels, values);
        case Storage::bits: break;
    }
    const std::uint64_t* words = static_cast<const std::uint64_t*>(row);
    for (std::size_t i = 0; i < tensor.channels; ++i) {
        values[i] = static_cast<std::int64_t>(words[i / 64] >> (i % 64) & 1) * 2 - 1;
    }
}

void write_row(const Tensor& tensor, const std::int64_t* values, void* row) {
    switch (tensor.storage) {
        case Storage::int64: return write_plain<std::int64_t>(values, tensor.channels, row);
        case Storage::int32: return write_plain<std::int32_t>(values, tensor.channels, row);
        case Storage::int8: return write_plain<std::int8_t>(values, tensor.channels, row);
        case Storage::uint8: return write_plain<std::uint8_t>(values, tensor.channels, row);
        case Storage::bits: break;
    }
    std::uint64_t* words = static_cast<std::uint64_t*>(row);
    for (std::size_t i = 0; i < tensor.channels; i += 64) {
        std::uint64_t word = 0;
        for (std::size_t bit = 0; bit < 64 && i + bit < tensor.channels; ++bit) {
            word |= static_cast<std::uint64_t>(values[i + bit] > 0) << bit;
        }
        words[i / 64] = word;
    }
}

void pack_flags(const std::uint8_t* flags, std::size_t count, std::uint64_t* words) {
    for (std::size_t i = 0; i < count; i += 64) {
        std::uint64_t word = 0;
        for (std::size_t part = 0; part < 64 && i + part < count; part += 8) {
            std::uint64_t bytes = 0;
            const std::size_t left = count - i - part;
            if (left >= 8) {
                std::memcpy(&bytes, flags + i + part, 8);
            } else {
                std::memcpy(&bytes, flags + i + part, left);
            }
            // The product moves bit 8 b of the bytes to bit 56 + b, and no two meet in one place.
            word |= (bytes * 0x0102040810204080u >> 56) << part;
        }
        words[i / 64] = word;
    }
}

}  // namespace bnn
