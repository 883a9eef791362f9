// SPDX-License-Identifier: Apache-2.0
// Window: for each place of a kernel on an image, its pixels row by row, each with all its channels.
//
// values: image, kernel, stride, dilation (2 each: vertical, horizontal), pads (top, left), windows (2), fill.
#include <cstring>

#include "kernel.h"

namespace bnn {
namespace {

class Window : public Kernel {
public:
    explicit Window(const Unit& unit) : in_(unit.input()), out_(unit.output()), fill_(unit.number("fill")) {
        const Values image = unit.array("image", 2), kernel = unit.array("kernel", 2), stride = unit.array("stride", 2);
        const Values dilation = unit.array("dilation", 2), pads = unit.array("pads", 2);
        const Values windows = unit.array("windows", 2);
        taps_ = static_cast<std::size_t>(kernel[0] * kernel[1]);
        if (in_.positions != static_cast<std::size_t>(image[0] * image[1]) ||
            out_.positions != static_cast<std::size_t>(windows[0] * windows[1]) ||
            out_.channels != taps_ * in_.channels) {
            throw std::invalid_argument("the window does not fit its streams");
        }
        for (std::int64_t window = 0; window < windows[0] * windows[1]; ++window) {
            for (std::int64_t tap = 0; tap < kernel[0] * kernel[1]; ++tap) {
                const std::int64_t row = window / windows[1] * stride[0] - pads[0] + tap / kernel[1] * dilation[0];
                const std::int64_t column = window % windows[1] * stride[1] - pads[1] + tap % kernel[1] * dilation[1];
                const bool inside = row >= 0 && row < image[0] && column >= 0 && column < image[1];
                pixels_.push_back(inside ? row * image[1] + column : kOutside);
            }
        }
        whole_pixels_ = in_.storage == out_.storage && (in_.storage != Storage::bits || in_.channels % 64 == 0);
        if (whole_pixels_) {
            outside_.assign(in_.stride(), 0);
            const std::vector<std::int64_t> values(in_.channels, fill_);
            write_row(in_, values.data(), outside_.data());
        }
    }

    std::size_t scratch(std::size_t) const override { return 8 * out_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        for (std::size_t frame = 0; frame < frames; ++frame) {
            const char* from = static_cast<const char*>(in[0]) + frame * in_.frame_bytes();
            char* to = static_cast<char*>(out[0]) + frame * out_.frame_bytes();
            if (whole_pixels_) {
                copy_pixels(from, to);
            } else {
                copy_elements(from, to, static_cast<std::int64_t*>(scratch));
            }
        }
    }

private:
    static constexpr std::int64_t kOutside = -1;

    void copy_pixels(const char* from, char* to) const {
        for (const std::int64_t pixel : pixels_) {
            const char* source = pixel == kOutside ? outside_.data() : from + static_cast<std::size_t>(pixel) * in_.stride();
            std::memcpy(to, source, in_.stride());
            to += in_.stride();
        }
    }

    void copy_elements(const char* from, char* to, std::int64_t* values) const {
        for (std::size_t window = 0; window < out_.positions; ++window) {
            for (std::size_t tap = 0; tap < taps_; ++tap) {
                const std::int64_t pixel = pixels_[window * taps_ + tap];
                std::int64_t* elements = values + tap * in_.channels;
                if (pixel != kOutside) {
                    read_row(in_, from + static_cast<std::size_t>(pixel) * in_.stride(), elements);
                } else {
                    for (std::size_t c = 0; c < in_.channels; ++c) elements[c] = fill_;
                }
            }
            write_row(out_, values, to + window * out_.stride());
        }
    }

    Tensor in_, out_;
    std::int64_t fill_;
    std::size_t taps_;
    std::vector<std::int64_t> pixels_;  // for each window each tap
    bool whole_pixels_;                 // pixels can be copied as they lie
    std::vector<char> outside_;
};

std::unique_ptr<Kernel> make_window(const Unit& unit) { return std::make_unique<Window>(unit); }

const Registration window_registration("window", make_window);

}  // namespace
}  // namespace bnn
