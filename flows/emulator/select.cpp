// SPDX-License-Identifier: Apache-2.0
// Select: any elements of each row in any order, any number of times, and constants.
//
// values: index (output channels), constants (numbered behind the channels).
#include <algorithm>

#include "kernel.h"

namespace bnn {
namespace {

class Select : public Kernel {
public:
    explicit Select(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        if (in_.positions != out_.positions) refuse("positions differ");
        const Values index = unit.array("index", out_.channels), constants = unit.array("constants");
        constants_.assign(constants.data, constants.data + constants.count);
        for (std::size_t c = 0; c < index.count; ++c) {
            if (index[c] < 0 || static_cast<std::size_t>(index[c]) >= in_.channels + constants_.size()) {
                refuse("a selected channel does not exist");
            }
            index_.push_back(static_cast<std::size_t>(index[c]));
        }
    }

    std::size_t scratch(std::size_t) const override { return 8 * (in_.channels + constants_.size() + out_.channels); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* input = static_cast<std::int64_t*>(scratch);
        std::int64_t* chosen = std::copy(constants_.begin(), constants_.end(), input + in_.channels);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), input);
            for (std::size_t c = 0; c < out_.channels; ++c) chosen[c] = input[index_[c]];
            write_row(out_, chosen, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    Tensor in_, out_;
    std::vector<std::size_t> index_;
    std::vector<std::int64_t> constants_;
};

std::unique_ptr<Kernel> make_select(const Unit& unit) { return std::make_unique<Select>(unit); }

const Registration select_registration("select", make_select);

}  // namespace
}  // namespace bnn
