// SPDX-License-Identifier: Apache-2.0
// Arg max: the channel where factor * score + offset is largest, the first of equals.
//
// values: factors and offsets (channels), or neither.
#include "kernel.h"

namespace bnn {
namespace {

class ArgMax : public Kernel {
public:
    explicit ArgMax(const Unit& unit)
        : in_(unit.input()),
          out_(unit.output()),
          factors_(in_.elements(), 1),
          offsets_(in_.elements(), 0) {
        if (out_.elements() != 1) throw std::invalid_argument("an arg max gives one element");
        if (unit.has("factors")) copy(unit.array("factors", in_.elements()), factors_);
        if (unit.has("offsets")) copy(unit.array("offsets", in_.elements()), offsets_);
    }

    std::size_t scratch(std::size_t) const override { return 8 * in_.elements(); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t frame = 0; frame < frames; ++frame) {
            const char* from = static_cast<const char*>(in[0]) + frame * in_.frame_bytes();
            for (std::size_t p = 0; p < in_.positions; ++p) {
                read_row(in_, from + p * in_.stride(), values + p * in_.channels);
            }
            std::int64_t best = 0, largest = values[0] * factors_[0] + offsets_[0];
            for (std::size_t i = 1; i < in_.elements(); ++i) {
                const std::int64_t value = values[i] * factors_[i] + offsets_[i];
                if (value > largest) {
                    largest = value;
                    best = static_cast<std::int64_t>(i);
                }
            }
            write_row(out_, &best, static_cast<char*>(out[0]) + frame * out_.frame_bytes());
        }
    }

private:
    static void copy(const Values& from, std::vector<std::int64_t>& to) { to.assign(from.data, from.data + from.count); }

    Tensor in_, out_;
    std::vector<std::int64_t> factors_, offsets_;
};

std::unique_ptr<Kernel> make_arg_max(const Unit& unit) { return std::make_unique<ArgMax>(unit); }

const Registration registration("arg_max", make_arg_max);

}  // namespace
}  // namespace bnn
