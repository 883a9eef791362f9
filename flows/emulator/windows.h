// SPDX-License-Identifier: Apache-2.0
// Windows on an image: which pixel each tap of each window is.
//
// A kernel that reads windows does not need their pixels copied one behind the other: with these it reads the image
// itself.
#ifndef BNN_EMULATOR_WINDOWS_H
#define BNN_EMULATOR_WINDOWS_H

#include "kernel.h"

namespace bnn {

class Windows {
public:
    // values: image, kernel, stride, dilation (2 each: vertical, horizontal), pads (top, left), windows (2), fill.
    explicit Windows(const Unit& unit);

    static constexpr std::size_t kOutside = ~std::size_t{0};

    // The number of a tap's pixel, or kOutside.
    std::size_t pixel(std::size_t window, std::size_t tap) const { return pixels[window * taps + tap]; }

    Tensor image;
    Tensor unrolled;    // the unit's output: one window per row
    std::int64_t fill;  // the value of elements outside the image
    std::size_t count, taps;
    std::vector<std::size_t> pixels;

    // The image and the margin around it, into which windows at the border reach.
    std::size_t image_rows, image_columns;
    std::size_t top, left;             // of the margin
    std::size_t rows, columns;         // of image and margin together
    std::vector<std::size_t> first;    // for each window, the place of its first tap
    std::vector<std::size_t> offsets;  // for each tap, how far behind the first it lies
};

}  // namespace bnn

#endif
