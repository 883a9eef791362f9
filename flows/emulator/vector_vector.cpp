// SPDX-License-Identifier: Apache-2.0
// Vector-vector: for each channel, the dot product over a window's pixels, or what its thresholds make of it.
//
// values: weights (taps x channels), levels, and with levels > 0 the thresholds of steps.h.
#include <optional>

#include "steps.h"

namespace bnn {
namespace {

class VectorVector : public Kernel {
public:
    explicit VectorVector(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        if (in_.positions != out_.positions || in_.channels % out_.channels != 0) {
            refuse("the products do not fit their streams");
        }
        const Values weights = unit.array("weights", in_.channels);
        weights_.assign(weights.data, weights.data + weights.count);
        if (unit.number("levels") > 0) steps_.emplace(unit, out_.channels);
    }

    std::size_t scratch(std::size_t) const override { return 8 * (in_.channels + out_.channels); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* elements = static_cast<std::int64_t*>(scratch);
        std::int64_t* sums = elements + in_.channels;
        const std::size_t channels = out_.channels;
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), elements);
            for (std::size_t c = 0; c < channels; ++c) sums[c] = 0;
            for (std::size_t first = 0; first < in_.channels; first += channels) {
                for (std::size_t c = 0; c < channels; ++c) sums[c] += weights_[first + c] * elements[first + c];
            }
            if (steps_) {
                for (std::size_t c = 0; c < channels; ++c) sums[c] = steps_->apply(c, sums[c]);
            }
            write_row(out_, sums, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    Tensor in_, out_;
    std::vector<std::int64_t> weights_;
    std::optional<Steps> steps_;
};

std::unique_ptr<Kernel> make_vector_vector(const Unit& unit) { return std::make_unique<VectorVector>(unit); }

const Registration vector_vector_registration("vector_vector", make_vector_vector);

}  // namespace
}  // namespace bnn
