// SPDX-License-Identifier: Apache-2.0
// Window: the pixels under a kernel, window after window, from a line buffer.
//
// The unit does two things at once: it takes a beat of the image whenever one has come and the line buffer has room,
// and it sends one beat a cycle of a window whose pixels are all there. Pixels before the first one that the next
// window needs are given up with the window's last beat. Pixels outside the image are made up, so pads cost no input.
//
// Taking does not wait for the image, because sending must go on: behind a fork that waits for the other branch, the
// image comes to a halt until the windows have been consumed.
//
// The buffer is a ring. Its read address advances by constants, one for each loop that ends (channels, kernel columns,
// kernel rows, window columns, window rows), all modulo its depth.
#ifndef BNN_WINDOW_HPP_
#define BNN_WINDOW_HPP_

#include "ring.hpp"
#include "word.hpp"

namespace bnn {
namespace detail {

constexpr unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

/// Pixels of a beat of `lanes` elements.
constexpr unsigned pixels_of(unsigned lanes, unsigned channels) { return lanes < channels ? 1 : lanes / channels; }

/// `place` as far as the image has it: 0 to `most`.
inline int clip(int place, int most) {
    BNN_PRAGMA(HLS INLINE)
    return place < 0 ? 0 : place > most ? most : place;
}

/// Where a window lies: the row and column of its first pixel in the image, and which window of the frame it is.
template <unsigned StrideRows, unsigned StrideColumns, int Top, int Left, unsigned WindowRows, unsigned WindowColumns>
struct window_place {
    int top = Top;
    int left = Left;
    unsigned row = 0;
    unsigned column = 0;

    bool ends_row() const { return column + 1 == WindowColumns; }
    bool ends_frame() const { return ends_row() && row + 1 == WindowRows; }

    /// The window behind this one; behind the last one, the first one.
    window_place next() const {
        BNN_PRAGMA(HLS INLINE)
        window_place other = *this;
        if (!ends_row()) {
            other.left += static_cast<int>(StrideColumns);
            ++other.column;
        } else {
            other.left = Left;
            other.column = 0;
            other.top = ends_frame() ? Top : top + static_cast<int>(StrideRows);
            other.row = ends_frame() ? 0 : row + 1;
        }
        return other;
    }
};

}  // namespace detail

/// The window unit, for one frame.
///
/// Rows, Columns, Channels   of the image
/// ElementBits               of an element
/// Kernel, Stride, Dilation  rows and columns, as in ONNX
/// PadTop, PadLeft           rows above and columns left of the image; those below and right follow from the windows
/// WindowRows, ~Columns      rows and columns of windows
/// Lanes                     elements of an output beat: channels of one pixel, or all channels of a part of a kernel
///                           row or of whole kernel rows; input beats have as many, but at most one pixel
/// Flagged                   1: above the elements, a flag for each pixel of a beat says that it lies outside
/// Fill                      the code of elements outside the image
/// Depth                     beats that the line buffer holds
template <unsigned Rows, unsigned Columns, unsigned Channels, unsigned ElementBits, unsigned KernelRows,
          unsigned KernelColumns, unsigned StrideRows, unsigned StrideColumns, unsigned DilationRows,
          unsigned DilationColumns, unsigned PadTop, unsigned PadLeft, unsigned WindowRows, unsigned WindowColumns,
          unsigned Lanes, bool Flagged, std::uint64_t Fill, unsigned Depth>
void window(hls::stream<word<detail::smaller(Lanes, Channels) * ElementBits>>& in,
            hls::stream<word<Lanes * ElementBits + (Flagged ? detail::pixels_of(Lanes, Channels) : 0)>>& out) {
    constexpr unsigned taps = detail::pixels_of(Lanes, Channels);
    static_assert(Lanes >= 1 && (Channels % Lanes == 0 || Lanes % Channels == 0),
                  "the lanes must be channels of one pixel that divide them, or whole pixels");
    static_assert(KernelColumns % taps == 0 || (taps % KernelColumns == 0 && KernelRows % (taps / KernelColumns) == 0),
                  "the pixels of a beat must be a part of a kernel row that divides it, or whole kernel rows");
    static_assert(WindowRows >= 1 && WindowColumns >= 1, "the kernel must fit the image with its pads");
    static_assert(Depth >= 1, "the line buffer holds at least one beat");

    constexpr unsigned pixel_lanes = detail::smaller(Lanes, Channels);
    constexpr unsigned width = pixel_lanes * ElementBits;
    constexpr unsigned chunks = Channels / pixel_lanes;  // beats of a pixel
    constexpr unsigned tap_columns = detail::smaller(taps, KernelColumns);
    constexpr unsigned tap_rows = taps / tap_columns;
    constexpr unsigned step_columns = KernelColumns / tap_columns;
    constexpr unsigned step_rows = KernelRows / tap_rows;
    constexpr unsigned beats = Rows * Columns * chunks;

    // Distances in beats: of a step to the right and down in the kernel, and of a window's last beat from its first
    // one.
    constexpr long long right = static_cast<long long>(chunks) * DilationColumns * tap_columns;
    constexpr long long down = static_cast<long long>(chunks) * DilationRows * tap_rows * Columns;
    constexpr long long in_pixel = chunks - 1;
    constexpr long long in_row = in_pixel + (step_columns - 1) * right;
    constexpr long long in_window = in_row + (step_rows - 1) * down;
    constexpr long long in_windows = in_window + static_cast<long long>(WindowColumns - 1) * StrideColumns * chunks;
    constexpr unsigned next_chunk = in_ring(1, Depth);
    constexpr unsigned next_column = in_ring(right - in_pixel, Depth);
    constexpr unsigned next_row = in_ring(down - in_row, Depth);
    constexpr unsigned next_window = in_ring(static_cast<long long>(StrideColumns) * chunks - in_window, Depth);
    constexpr unsigned next_windows =
        in_ring(static_cast<long long>(StrideRows) * Columns * chunks - in_windows, Depth);
    constexpr unsigned first_address =
        in_ring(-static_cast<long long>(chunks) * (static_cast<long long>(PadTop) * Columns + PadLeft), Depth);

    using Place = detail::window_place<StrideRows, StrideColumns, -static_cast<int>(PadTop), -static_cast<int>(PadLeft),
                                       WindowRows, WindowColumns>;

    // Beats of the frame that no window from this one on needs. Row 0 stays while a later window hangs over the top
    // edge.
    const auto unneeded = [](const Place& place) {
        if (place.top + static_cast<int>(StrideRows) <= 0) return 0u;
        const int row = detail::clip(place.top, Rows);
        const int pixels = row * static_cast<int>(Columns) + detail::clip(place.left, Columns);
        return detail::smaller(static_cast<unsigned>(pixels) * chunks, beats);
    };
    // Beats that nobody needs behind a window, and beats that must have come for it.
    const auto leaving = [&](const Place& place) { return place.ends_frame() ? beats : unneeded(place.next()); };
    const auto needed = [&](const Place& place) {
        constexpr int span_rows = static_cast<int>(DilationRows * (KernelRows - 1));
        constexpr int span_columns = static_cast<int>(DilationColumns * (KernelColumns - 1));
        const int bottom = detail::clip(place.top + span_rows, static_cast<int>(Rows) - 1);
        const int last = bottom * static_cast<int>(Columns) +
                         detail::clip(place.left + span_columns, static_cast<int>(Columns) - 1);
        const unsigned newest = static_cast<unsigned>(last + 1) * chunks;
        const unsigned given_up = leaving(place);
        return newest > given_up ? newest : given_up;
    };

    // A copy for each pixel of an output beat.
    word<width> line[taps][Depth];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=line complete dim=1)
    BNN_PRAGMA(HLS BIND_STORAGE variable=line type=ram_s2p)

    bits<width> fill;
    for (unsigned i = 0; i < pixel_lanes; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        fill.template set<ElementBits>(i * ElementBits, Fill);
    }

    Place place;
    Place ahead = place.next();
    unsigned need = needed(place);
    unsigned leave = leaving(place);
    unsigned came = 0;
    unsigned gone = 0;
    unsigned write_address = 0;
    unsigned address = first_address;
    unsigned chunk = 0;
    unsigned column_step = 0;
    unsigned row_step = 0;
    int row = place.top;
    int column = place.left;

    bool done = false;
    while (!done) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bool ready = came >= need;
        if (ready) {
            bits<Lanes * ElementBits + (Flagged ? taps : 0)> y;
            for (unsigned tap = 0; tap < taps; ++tap) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned tap_row = tap / tap_columns;
                const unsigned tap_column = tap % tap_columns;
                const int pixel_row = row + static_cast<int>(tap_row * DilationRows);
                const int pixel_column = column + static_cast<int>(tap_column * DilationColumns);
                const bool outside = pixel_row < 0 || pixel_row >= static_cast<int>(Rows) || pixel_column < 0 ||
                                     pixel_column >= static_cast<int>(Columns);
                const long long distance =
                    static_cast<long long>(chunks) * (tap_row * DilationRows * Columns + tap_column * DilationColumns);
                const unsigned at = advance(address, in_ring(distance, Depth), Depth);
                y.insert(tap * width, outside ? fill : bits<width>(line[tap][at]));
                if (Flagged && outside) y.template set<1>(Lanes * ElementBits + tap, 1);
            }
            out.write(y.packed());

            const bool ends_pixel = chunk == chunks - 1;
            const bool ends_row = ends_pixel && column_step == step_columns - 1;
            const bool ends_window = ends_row && row_step == step_rows - 1;
            const unsigned distance = !ends_pixel                ? next_chunk
                                      : !ends_row                ? next_column
                                      : !ends_window             ? next_row
                                      : !place.ends_row()        ? next_window
                                                                 : next_windows;
            address = advance(address, distance, Depth);
            chunk = ends_pixel ? 0 : chunk + 1;
            if (ends_window) {
                row_step = 0;
                column_step = 0;
                gone = leave;
                done = place.ends_frame();
                need = needed(ahead);
                leave = leaving(ahead);
                place = ahead;
                ahead = ahead.next();
                row = place.top;
                column = place.left;
            } else if (ends_row) {
                ++row_step;
                column_step = 0;
                row += static_cast<int>(DilationRows * tap_rows);
                column = place.left;
            } else if (ends_pixel) {
                ++column_step;
                column += static_cast<int>(DilationColumns * tap_columns);
            }
        }
        word<width> pixel;
        const bool taken = came < beats && came - gone < Depth && in.read_nb(pixel);
        if (taken) {
            for (unsigned tap = 0; tap < taps; ++tap) {
                BNN_PRAGMA(HLS UNROLL)
                line[tap][write_address] = pixel;
            }
            write_address = write_address == Depth - 1 ? 0 : write_address + 1;
            ++came;
        }
#ifndef __SYNTHESIS__
        if (!ready && !taken) return;  // In C simulation a frame is there as a whole, or never.
#endif
    }
}

}  // namespace bnn

#endif
