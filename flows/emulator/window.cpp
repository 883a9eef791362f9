// SPDX-License-Identifier: Apache-2.0
// Window: for each position of a kernel on an image, its pixels row by row, each with all channels.
//
// values: those of windows.h.
#include <algorithm>
#include <cstring>

#include "windows.h"

namespace bnn {

Windows::Windows(const Unit& unit) : image(unit.input()), unrolled(unit.output()), fill(unit.number("fill")) {
    const Values shape = unit.array("image", 2), kernel = unit.array("kernel", 2), stride = unit.array("stride", 2);
    const Values dilation = unit.array("dilation", 2), pads = unit.array("pads", 2);
    const Values windows = unit.array("windows", 2);
    count = static_cast<std::size_t>(windows[0] * windows[1]);
    taps = static_cast<std::size_t>(kernel[0] * kernel[1]);
    std::int64_t extent[2];
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::int64_t reached = (windows[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
        extent[axis] = std::max(reached, pads[axis] + shape[axis]);
    }
    image_rows = static_cast<std::size_t>(shape[0]);
    image_columns = static_cast<std::size_t>(shape[1]);
    top = static_cast<std::size_t>(pads[0]);
    left = static_cast<std::size_t>(pads[1]);
    rows = static_cast<std::size_t>(extent[0]);
    columns = static_cast<std::size_t>(extent[1]);
    for (std::int64_t tap = 0; tap < kernel[0] * kernel[1]; ++tap) {
        const std::int64_t row = tap / kernel[1] * dilation[0], column = tap % kernel[1] * dilation[1];
        offsets.push_back(static_cast<std::size_t>(row * extent[1] + column));
    }
    for (std::int64_t window = 0; window < windows[0] * windows[1]; ++window) {
        const std::int64_t row = window / windows[1] * stride[0], column = window % windows[1] * stride[1];
        first.push_back(static_cast<std::size_t>(row * extent[1] + column));
        for (const std::size_t offset : offsets) {
            const std::size_t place = first.back() + offset;
            // Negative numbers become large ones.
            const std::size_t y = place / columns - top, x = place % columns - left;
            pixels.push_back(y < image_rows && x < image_columns ? y * image_columns + x : kOutside);
        }
    }
}

const Windows* Unit::windows() const {
    return made_as != nullptr && made_as->unrolled.has_rows_of(input()) ? made_as : nullptr;
}

namespace {

class Window : public Kernel {
public:
    explicit Window(const Unit& unit) : Kernel(unit), in_(unit.input()), out_(unit.output()), windows_(unit) {
        if (in_.positions != windows_.image_rows * windows_.image_columns || out_.positions != windows_.count ||
            out_.channels != windows_.taps * in_.channels) {
            refuse("the window does not fit its streams");
        }
        whole_pixels_ = in_.storage == out_.storage && (in_.storage != Storage::bits || in_.channels % 64 == 0);
        if (whole_pixels_) {
            outside_.assign(in_.stride(), 0);
            const std::vector<std::int64_t> values(in_.channels, windows_.fill);
            write_row(in_, values.data(), outside_.data());
        }
    }

    const Windows* windows() const override { return &windows_; }

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
    void copy_pixels(const char* from, char* to) const {
        for (const std::size_t pixel : windows_.pixels) {
            std::memcpy(to, pixel == Windows::kOutside ? outside_.data() : from + pixel * in_.stride(), in_.stride());
            to += in_.stride();
        }
    }

    void copy_elements(const char* from, char* to, std::int64_t* values) const {
        for (std::size_t window = 0; window < windows_.count; ++window) {
            for (std::size_t tap = 0; tap < windows_.taps; ++tap) {
                const std::size_t pixel = windows_.pixel(window, tap);
                std::int64_t* elements = values + tap * in_.channels;
                if (pixel != Windows::kOutside) {
                    read_row(in_, from + pixel * in_.stride(), elements);
                } else {
                    std::fill_n(elements, in_.channels, windows_.fill);
                }
            }
            write_row(out_, values, to + window * out_.stride());
        }
    }

    Tensor in_, out_;
    Windows windows_;
    bool whole_pixels_;  // whole pixels can be copied
    std::vector<char> outside_;
};

std::unique_ptr<Kernel> make_window(const Unit& unit) { return std::make_unique<Window>(unit); }

const Registration window_registration("window", make_window);

}  // namespace
}  // namespace bnn
