// SPDX-License-Identifier: Apache-2.0
// Upsample: every pixel several times in its row, and every row several times.
//
// values: image, factors (2 each: vertical, horizontal).
#include <cstring>

#include "kernel.h"

namespace bnn {
namespace {

class Upsample : public Kernel {
public:
    explicit Upsample(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        const Values image = unit.array("image", 2), factors = unit.array("factors", 2);
        for (std::int64_t row = 0; row < image[0] * factors[0]; ++row) {
            for (std::int64_t column = 0; column < image[1] * factors[1]; ++column) {
                pixels_.push_back(static_cast<std::size_t>(row / factors[0] * image[1] + column / factors[1]));
            }
        }
        if (in_.positions != static_cast<std::size_t>(image[0] * image[1]) || out_.positions != pixels_.size() ||
            in_.storage != out_.storage || in_.channels != out_.channels) {
            refuse("the upsampling does not fit its streams");
        }
    }

    void run(const void* const* in, void* const* out, std::size_t frames, void*) const override {
        for (std::size_t frame = 0; frame < frames; ++frame) {
            const char* from = static_cast<const char*>(in[0]) + frame * in_.frame_bytes();
            char* to = static_cast<char*>(out[0]) + frame * out_.frame_bytes();
            for (const std::size_t pixel : pixels_) {
                std::memcpy(to, from + pixel * in_.stride(), in_.stride());
                to += out_.stride();
            }
        }
    }

private:
    Tensor in_, out_;
    std::vector<std::size_t> pixels_;  // for each pixel made, the one it copies
};

std::unique_ptr<Kernel> make_upsample(const Unit& unit) { return std::make_unique<Upsample>(unit); }

const Registration upsample_registration("upsample", make_upsample);

}  // namespace
}  // namespace bnn
