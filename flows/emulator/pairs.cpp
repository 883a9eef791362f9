// SPDX-License-Identifier: Apache-2.0
// Add and multiply: sums of two streams, each times a factor, or products, element by element.
//
// values of an addition: factors (2).
#include "kernel.h"

namespace bnn {
namespace {

class Pairs : public Kernel {
public:
    Pairs(const Unit& unit, bool multiplies) : Kernel(unit), out_(unit.output()), multiplies_(multiplies) {
        if (unit.inputs.size() != 2) refuse("another number of inputs than 2");
        unit.require_one_shape();
        first_ = unit.inputs[0];
        second_ = unit.inputs[1];
        if (multiplies) return;
        const Values factors = unit.array("factors", 2);
        factors_[0] = factors[0];
        factors_[1] = factors[1];
    }

    std::size_t scratch(std::size_t) const override { return 16 * out_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* first = static_cast<std::int64_t*>(scratch);
        std::int64_t* second = first + out_.channels;
        for (std::size_t row = 0; row < frames * out_.positions; ++row) {
            read_row(first_, static_cast<const char*>(in[0]) + row * first_.stride(), first);
            read_row(second_, static_cast<const char*>(in[1]) + row * second_.stride(), second);
            if (multiplies_) {
                for (std::size_t c = 0; c < out_.channels; ++c) first[c] *= second[c];
            } else {
                for (std::size_t c = 0; c < out_.channels; ++c)
                    first[c] = factors_[0] * first[c] + factors_[1] * second[c];
            }
            write_row(out_, first, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    Tensor first_, second_, out_;
    bool multiplies_;
    std::int64_t factors_[2] = {1, 1};
};

std::unique_ptr<Kernel> make_add(const Unit& unit) { return std::make_unique<Pairs>(unit, false); }
std::unique_ptr<Kernel> make_multiply(const Unit& unit) { return std::make_unique<Pairs>(unit, true); }

const Registration add_registration("add", make_add);
const Registration multiply_registration("multiply", make_multiply);

}  // namespace
}  // namespace bnn
