// SPDX-License-Identifier: Apache-2.0
// Identity: the same elements in the same order, grouped to other axes. Where both have the same layout in memory, the
// graph shares it without this kernel.
#include "kernel.h"

namespace bnn {
namespace {

class Identity : public Kernel {
public:
    explicit Identity(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        if (in_.elements() != out_.elements()) refuse("identity changes the number of elements");
    }

    std::size_t scratch(std::size_t) const override { return 8 * in_.elements(); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t frame = 0; frame < frames; ++frame) {
            const char* from = static_cast<const char*>(in[0]) + frame * in_.frame_bytes();
            char* to = static_cast<char*>(out[0]) + frame * out_.frame_bytes();
            for (std::size_t p = 0; p < in_.positions; ++p) {
                read_row(in_, from + p * in_.stride(), values + p * in_.channels);
            }
            for (std::size_t p = 0; p < out_.positions; ++p) {
                write_row(out_, values + p * out_.channels, to + p * out_.stride());
            }
        }
    }

private:
    Tensor in_, out_;
};

std::unique_ptr<Kernel> make_identity(const Unit& unit) { return std::make_unique<Identity>(unit); }

const Registration identity_registration("identity", make_identity);

}  // namespace
}  // namespace bnn
