// SPDX-License-Identifier: Apache-2.0
// The same function of every byte, from a table: thresholds and lookups of narrow elements.
#ifndef BNN_EMULATOR_BYTE_TABLE_H
#define BNN_EMULATOR_BYTE_TABLE_H

#include "kernel.h"

namespace bnn {

class ByteTable : public Kernel {
public:
    // From bytes to bytes or bits.
    static bool serves(const Tensor& in, const Tensor& out);

    // `function` is evaluated for each value of the input's interval.
    template <class Function>
    ByteTable(const Tensor& in, const Tensor& out, Function function) : Kernel({{in}, {out}}), in_(in), out_(out) {
        for (std::int64_t value = in.lo; value <= in.hi; ++value) {
            const std::int64_t result = function(value);
            table_[value & 255] = static_cast<std::uint8_t>(out.storage == Storage::bits ? result > 0 : result);
        }
        find_step();
    }

    std::size_t scratch(std::size_t frames) const override;
    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override;

private:
    void find_step();
    void bytes(const std::uint8_t* from, std::size_t count, std::uint8_t* to) const;
    void bits(const std::uint8_t* from, std::size_t count, std::uint64_t* words, std::uint8_t* flags) const;

    Tensor in_, out_;
    alignas(kAlignment) std::uint8_t table_[256] = {};
    bool is_step_ = false;  // the results are bits, 1 from the code step_ on (with `raise_` added to the code), or
    bool falling_ = false;  // below it
    std::uint8_t step_ = 0;
    std::uint8_t raise_ = 0;  // 128 for signed bytes, so that codes are in the order of the values
};

}  // namespace bnn

#endif
