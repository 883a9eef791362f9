// SPDX-License-Identifier: Apache-2.0
// Lookup: a function of every element, from a table by its code in the stream.
//
// values: table (2 to the power of the input's bits, for each channel one after the other); channels, 1 where one table
// serves all.
#include "byte_table.h"
#include "kernel.h"

namespace bnn {
namespace {

class Lookup : public Kernel {
public:
    explicit Lookup(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        unit.require_one_shape();
        const Values table = unit.array("table");
        const std::int64_t channels = unit.number("channels");
        if (channels != 1 && channels != static_cast<std::int64_t>(in_.channels)) {
            refuse("it has neither one table nor one for each channel");
        }
        rows_ = static_cast<std::size_t>(channels);
        codes_ = table.count / rows_;
        if (codes_ == 0 || (codes_ & (codes_ - 1)) != 0 || codes_ * rows_ != table.count) {
            refuse("the size of table is no power of two");
        }
        table_.assign(table.data, table.data + table.count);
    }

    bool is_shared() const { return rows_ == 1; }

    // Bipolar values have codes 0 and 1, others those of two's complement.
    std::int64_t apply(std::int64_t value, std::size_t channel = 0) const {
        const std::int64_t code = in_.storage == Storage::bits ? (value + 1) / 2 : value;
        const std::size_t row = is_shared() ? 0 : channel;
        return table_[row * codes_ + (static_cast<std::size_t>(code) & (codes_ - 1))];
    }

    std::size_t scratch(std::size_t) const override { return 8 * in_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), values);
            for (std::size_t c = 0; c < in_.channels; ++c) values[c] = apply(values[c], c);
            write_row(out_, values, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    Tensor in_, out_;
    std::size_t rows_ = 1, codes_ = 1;
    std::vector<std::int64_t> table_;
};

std::unique_ptr<Kernel> make_lookup(const Unit& unit) {
    auto general = std::make_unique<Lookup>(unit);
    if (!general->is_shared() || !ByteTable::serves(unit.input(), unit.output())) return general;
    return std::make_unique<ByteTable>(unit.input(), unit.output(),
                                       [&](std::int64_t value) { return general->apply(value); });
}

const Registration lookup_registration("lookup", make_lookup);

}  // namespace
}  // namespace bnn
