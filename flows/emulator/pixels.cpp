// SPDX-License-Identifier: Apache-2.0
// Crop and upsample: each output pixel is a copy of an input pixel.
//
// values: image (rows and columns of the input), rows, columns (for each row and column of the output, the number of
// the input's that it copies).
#include <cstring>

#include "kernel.h"

namespace bnn {
namespace {

class Pixels : public Kernel {
public:
    explicit Pixels(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        const Values image = unit.array("image", 2), rows = unit.array("rows"), columns = unit.array("columns");
        for (std::size_t row = 0; row < rows.count; ++row) {
            for (std::size_t column = 0; column < columns.count; ++column) {
                const bool inside =
                    rows[row] >= 0 && rows[row] < image[0] && columns[column] >= 0 && columns[column] < image[1];
                if (!inside) refuse("a pixel does not exist");
                pixels_.push_back(static_cast<std::size_t>(rows[row] * image[1] + columns[column]));
            }
        }
        if (in_.positions != static_cast<std::size_t>(image[0] * image[1]) || out_.positions != pixels_.size() ||
            in_.storage != out_.storage || in_.channels != out_.channels) {
            refuse("the image does not fit its streams");
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
    std::vector<std::size_t> pixels_;  // for each output pixel, the one it copies
};

std::unique_ptr<Kernel> make_pixels(const Unit& unit) { return std::make_unique<Pixels>(unit); }

const Registration pixels_registration("pixels", make_pixels);

}  // namespace
}  // namespace bnn
