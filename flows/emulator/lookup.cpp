// SPDX-License-Identifier: Apache-2.0
// Lookup: the same function of every element, from a table by its code in the stream.
//
// values: table (2 to the power of the input's bits).
#include "byte_table.h"
#include "kernel.h"

namespace bnn {
namespace {

class Lookup : public Kernel {
public:
    explicit Lookup(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        unit.require_one_shape();
        const Values table = unit.array("table");
        if (table.count == 0 || (table.count & (table.count - 1)) != 0) {
            refuse("the size of table is no power of two");
        }
        table_.assign(table.data, table.data + table.count);
    }

    // Bipolar values have codes 0 and 1, others those of two's complement.
    std::int64_t apply(std::int64_t value) const {
        const std::int64_t code = in_.storage == Storage::bits ? (value + 1) / 2 : value;
        return table_[static_cast<std::size_t>(code) & (table_.size() - 1)];
    }

    std::size_t scratch(std::size_t) const override { return 8 * in_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), values);
            for (std::size_t c = 0; c < in_.channels; ++c) values[c] = apply(values[c]);
            write_row(out_, values, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    Tensor in_, out_;
    std::vector<std::int64_t> table_;
};

std::unique_ptr<Kernel> make_lookup(const Unit& unit) {
    auto general = std::make_unique<Lookup>(unit);
    if (!ByteTable::serves(unit.input(), unit.output())) return general;
    return std::make_unique<ByteTable>(unit.input(), unit.output(),
                                       [&](std::int64_t value) { return general->apply(value); });
}

const Registration lookup_registration("lookup", make_lookup);

}  // namespace
}  // namespace bnn
