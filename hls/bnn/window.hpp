// SPDX-License-Identifier: Apache-2.0
// Window: the pixels under a kernel, window after window, from a line buffer.
//
// The unit does two things at once: it reads a beat of the image whenever one has arrived and the line buffer has room,
// and it sends one beat per cycle of a window whose pixels have all arrived. With a window's last beat, all beats that
// no later window needs leave the buffer. Pixels outside the image are not read but inserted, so pads cost no input.
// Where a beat has several windows, this holds for all of them together.
//
// Reading never blocks, because sending must go on: behind a fork that waits for its other branch, the image stops
// until the windows have been consumed.
//
// The buffer is a ring of input beats. A place in it is a beat and a pixel of that beat; places advance by constants,
// one for each loop that ends (channels, kernel columns, kernel rows, window columns, window rows), modulo its depth.
#ifndef BNN_WINDOW_HPP_
#define BNN_WINDOW_HPP_

#include "ring.hpp"
#include "word.hpp"

namespace bnn {
namespace detail {

constexpr unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

/// `place`, limited to 0 to `most`.
inline int clip(int place, int most) {
    BNN_PRAGMA(HLS INLINE)
    return place < 0 ? 0 : place > most ? most : place;
}

/// The beat in which a place lies, where a beat has `Pixels` pixels; in front of the image it is negative.
template <unsigned Pixels>
constexpr long long beat_of(long long place) {
    return (place - static_cast<long long>(in_ring(place, Pixels))) / static_cast<long long>(Pixels);
}

/// A place in the ring: a beat, and a pixel of that beat.
template <unsigned Depth, unsigned Pixels>
struct ring_place {
    unsigned beat;
    unsigned pixel;

    /// The place at `distance` from the ring's first beat, in pixels, or in beats where a pixel has several.
    static constexpr ring_place at(long long distance) {
        return {in_ring(beat_of<Pixels>(distance), Depth), in_ring(distance, Pixels)};
    }

    /// The place that lies `step` further on.
    ring_place operator+(const ring_place& step) const {
        BNN_PRAGMA(HLS INLINE)
        const unsigned sum = pixel + step.pixel;
        const unsigned carry = sum >= Pixels ? 1 : 0;
        return {advance(beat, step.beat + carry, Depth), carry != 0 ? sum - Pixels : sum};
    }
};

/// Where the windows of a beat lie: row and column of their first pixel in the image, that column as a beat of its row
/// and a pixel of that beat, and their row and column among the windows of the frame.
template <unsigned Pixels, unsigned StrideRows, unsigned StrideColumns, int Top, int Left, unsigned Rows,
          unsigned Columns>
struct window_place {
    int top = Top;
    int left = Left;
    int beat = static_cast<int>(beat_of<Pixels>(Left));
    unsigned pixel = in_ring(Left, Pixels);
    unsigned row = 0;
    unsigned column = 0;

    bool ends_row() const { return column + 1 == Columns; }
    bool ends_frame() const { return ends_row() && row + 1 == Rows; }

    /// The beat of the row in which the pixel `columns` further on lies.
    int beat_behind(unsigned columns) const {
        BNN_PRAGMA(HLS INLINE)
        return beat + static_cast<int>(columns / Pixels) + (pixel + columns % Pixels >= Pixels ? 1 : 0);
    }

    /// The next windows; behind the frame's last ones, its first ones.
    window_place next() const {
        BNN_PRAGMA(HLS INLINE)
        window_place other;
        other.top = top;
        other.row = row;
        if (!ends_row()) {
            other.left = left + static_cast<int>(StrideColumns);
            other.beat = beat_behind(StrideColumns);
            other.pixel = advance(pixel, StrideColumns % Pixels, Pixels);
            other.column = column + 1;
        } else {
            other.top = ends_frame() ? Top : top + static_cast<int>(StrideRows);
            other.row = ends_frame() ? 0 : row + 1;
        }
        return other;
    }
};

}  // namespace detail

/// The window unit, for one frame.
///
/// Rows, Columns, Channels   size of the image, at least 1 each
/// ElementBits    bits of an element, 1 to 64
/// Kernel~, Stride~, Dilation~   rows and columns, as in ONNX, at least 1 each
/// PadTop         rows above the image; those below follow from WindowRows
/// PadLeft        columns left of the image; those right of it follow from WindowColumns
/// WindowRows     rows of windows, at least 1
/// WindowColumns  windows of a row, at least 1
/// Lanes          elements of an output beat: a divisor of Channels; or all channels of a part of a kernel row that
///                divides it, of whole kernel rows that divide the kernel, or of whole windows that divide a row of
///                windows. An input beat has as many of each of its pixels, at most all Channels
/// InputPixels    pixels of an input beat, a divisor of Columns; more than one needs Lanes >= Channels
/// Flagged        1: above the elements, a flag for each pixel of a beat says that it lies outside the image
/// Fill           the code of elements outside the image, of ElementBits bits
/// Depth          beats that the line buffer holds: at least those from the first to the last that a window needs,
///                or the unit deadlocks; more let it read on meanwhile
template <unsigned Rows, unsigned Columns, unsigned Channels, unsigned ElementBits, unsigned KernelRows,
          unsigned KernelColumns, unsigned StrideRows, unsigned StrideColumns, unsigned DilationRows,
          unsigned DilationColumns, unsigned PadTop, unsigned PadLeft, unsigned WindowRows, unsigned WindowColumns,
          unsigned Lanes, unsigned InputPixels, bool Flagged, std::uint64_t Fill, unsigned Depth>
void window(hls::stream<word<InputPixels * detail::smaller(Lanes, Channels) * ElementBits>>& in,
            hls::stream<word<Lanes * ElementBits + (Flagged ? (Lanes + Channels - 1) / Channels : 0)>>& out) {
    constexpr unsigned pixels = (Lanes + Channels - 1) / Channels;  // of an output beat
    constexpr unsigned windows = (pixels + KernelRows * KernelColumns - 1) / (KernelRows * KernelColumns);
    constexpr unsigned taps = pixels / windows;  // pixels of a window in a beat
    static_assert(Lanes >= 1 && (Channels % Lanes == 0 || Lanes % Channels == 0),
                  "the lanes must be channels of one pixel that divide them, or whole pixels");
    static_assert(KernelColumns % taps == 0 || (taps % KernelColumns == 0 && KernelRows % (taps / KernelColumns) == 0),
                  "the pixels of a beat must be a part of a kernel row that divides it, or whole kernel rows");
    static_assert(windows == 1 || taps == KernelRows * KernelColumns, "several windows of a beat must be whole");
    static_assert(WindowColumns % windows == 0, "the windows of a beat must be a part of a row of windows");
    static_assert(Columns % InputPixels == 0, "the pixels of an input beat must be a part of a row");
    static_assert(InputPixels == 1 || Lanes >= Channels, "several pixels of an input beat need whole pixels");
    static_assert(WindowRows >= 1 && WindowColumns >= 1, "the kernel must fit the image with its pads");
    static_assert(Rows >= 1 && Columns >= 1, "an image has at least one pixel");
    static_assert(KernelRows >= 1 && KernelColumns >= 1, "a kernel has at least one pixel");
    static_assert(StrideRows >= 1 && StrideColumns >= 1 && DilationRows >= 1 && DilationColumns >= 1,
                  "strides and dilations are at least 1");
    static_assert(ElementBits >= 1 && ElementBits <= chunk_bits, "an element has 1 to 64 bits");
    static_assert((Fill & ~mask_of(ElementBits)) == 0, "the code of elements outside must fit an element");
    static_assert(Depth >= 1, "the line buffer holds at least one beat");

    constexpr unsigned pixel_lanes = detail::smaller(Lanes, Channels);
    constexpr unsigned width = pixel_lanes * ElementBits;
    constexpr unsigned chunks = Channels / pixel_lanes;  // beats of a pixel
    constexpr unsigned tap_columns = detail::smaller(taps, KernelColumns);
    constexpr unsigned tap_rows = taps / tap_columns;
    constexpr unsigned step_columns = KernelColumns / tap_columns;
    constexpr unsigned step_rows = KernelRows / tap_rows;
    constexpr unsigned line = Columns / InputPixels * chunks;  // beats of a row
    constexpr unsigned beats = Rows * line;

    // Distances in pixels, or in beats where a pixel has several: of a step right and of a step down in the kernel, and
    // from a window's first beat to its last one.
    constexpr long long right = static_cast<long long>(chunks) * DilationColumns * tap_columns;
    constexpr long long down = static_cast<long long>(chunks) * DilationRows * tap_rows * Columns;
    constexpr long long in_pixel = chunks - 1;
    constexpr long long in_row = in_pixel + (step_columns - 1) * right;
    constexpr long long in_window = in_row + (step_rows - 1) * down;
    constexpr long long in_windows =
        in_window + static_cast<long long>(WindowColumns - windows) * StrideColumns * chunks;
    using Address = detail::ring_place<Depth, InputPixels>;
    constexpr Address next_chunk = Address::at(InputPixels);
    constexpr Address next_column = Address::at(right - in_pixel);
    constexpr Address next_row = Address::at(down - in_row);
    constexpr Address next_window = Address::at(static_cast<long long>(windows) * StrideColumns * chunks - in_window);
    constexpr Address next_windows = Address::at(static_cast<long long>(StrideRows) * Columns * chunks - in_windows);

    using Place = detail::window_place<InputPixels, StrideRows, windows * StrideColumns, -static_cast<int>(PadTop),
                                       -static_cast<int>(PadLeft), WindowRows, WindowColumns / windows>;

    // The number of beats, from the frame's first on, that neither this window nor a later one needs. Row 0 stays while
    // a later window reaches over the top edge.
    const auto unneeded = [](const Place& place) {
        if (place.top + static_cast<int>(StrideRows) <= 0) return 0u;
        const int row = detail::clip(place.top, Rows);
        const int column = detail::clip(place.beat, Columns / InputPixels);
        return detail::smaller(static_cast<unsigned>(row) * line + static_cast<unsigned>(column) * chunks, beats);
    };
    // The number of beats that no window behind this one needs, and of those that must have arrived for this one.
    const auto leaving = [&](const Place& place) { return place.ends_frame() ? beats : unneeded(place.next()); };
    const auto needed = [&](const Place& place) {
        constexpr int span_rows = static_cast<int>(DilationRows * (KernelRows - 1));
        constexpr unsigned span_columns = (windows - 1) * StrideColumns + DilationColumns * (KernelColumns - 1);
        const int bottom = detail::clip(place.top + span_rows, static_cast<int>(Rows) - 1);
        const int last = detail::clip(place.beat_behind(span_columns), static_cast<int>(Columns / InputPixels) - 1);
        const unsigned newest = static_cast<unsigned>(bottom) * line + static_cast<unsigned>(last + 1) * chunks;
        const unsigned unused = leaving(place);
        return newest > unused ? newest : unused;
    };

    // A copy for each pixel that an output beat touches. Windows share pixels, whose columns are `grid` apart.
    constexpr unsigned grid = windows == 1                                               ? DilationColumns
                              : tap_columns == 1 || DilationColumns % StrideColumns == 0 ? StrideColumns
                              : StrideColumns % DilationColumns == 0                     ? DilationColumns
                                                                                         : 1;
    constexpr unsigned touched_columns =
        ((windows - 1) * StrideColumns + (tap_columns - 1) * DilationColumns) / grid + 1;
    constexpr unsigned touched = tap_rows * touched_columns;
    word<InputPixels * width> buffer[touched][Depth];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=buffer complete dim=1)
    BNN_PRAGMA(HLS BIND_STORAGE variable=buffer type=ram_s2p)
    // A beat is read in the second turn after the one that writes it, at the earliest (`arrived`).
    BNN_PRAGMA(HLS DEPENDENCE variable=buffer type=inter direction=RAW distance=2 dependent=true)

    bits<width> fill;
    for (unsigned i = 0; i < pixel_lanes; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        fill.template set<ElementBits>(i * ElementBits, Fill);
    }

    Place place;
    Place ahead = place.next();
    unsigned need = needed(place);
    unsigned leave = leaving(place);
    unsigned received = 0;
    unsigned received_before = 0;
    unsigned released = 0;
    unsigned write_address = 0;
    Address address =
        Address::at(-static_cast<long long>(chunks) * (static_cast<long long>(PadTop) * Columns + PadLeft));
    unsigned chunk = 0;
    unsigned column_step = 0;
    unsigned row_step = 0;
    int row = place.top;
    int column = place.left;

    bool done = false;
    while (!done) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const unsigned arrived = received_before;
        received_before = received;
        const bool ready = arrived >= need;
        if (ready) {
            bits<width> seen[touched];
            bool outside[touched];
            BNN_PRAGMA(HLS ARRAY_PARTITION variable=seen complete)
            BNN_PRAGMA(HLS ARRAY_PARTITION variable=outside complete)
            for (unsigned i = 0; i < touched; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned further_rows = i / touched_columns * DilationRows;
                const unsigned further_columns = i % touched_columns * grid;
                const int pixel_row = row + static_cast<int>(further_rows);
                const int pixel_column = column + static_cast<int>(further_columns);
                outside[i] = pixel_row < 0 || pixel_row >= static_cast<int>(Rows) || pixel_column < 0 ||
                             pixel_column >= static_cast<int>(Columns);
                const Address at =
                    address + Address::at(static_cast<long long>(chunks) * (further_rows * Columns + further_columns));
                const bits<InputPixels * width> all(buffer[i][at.beat]);
                seen[i] = outside[i] ? fill : all.template slice<width>(at.pixel * width);
            }
            bits<Lanes * ElementBits + (Flagged ? pixels : 0)> y;
            for (unsigned o = 0; o < pixels; ++o) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned tap = o % taps;
                const unsigned further = o / taps * StrideColumns + tap % tap_columns * DilationColumns;
                const unsigned from = tap / tap_columns * touched_columns + further / grid;
                y.insert(o * width, seen[from]);
                if (Flagged && outside[from]) y.template set<1>(Lanes * ElementBits + o, 1);
            }
            out.write(y.packed());

            const bool ends_pixel = chunk == chunks - 1;
            const bool ends_row = ends_pixel && column_step == step_columns - 1;
            const bool ends_window = ends_row && row_step == step_rows - 1;
            const Address distance = !ends_pixel         ? next_chunk
                                     : !ends_row         ? next_column
                                     : !ends_window      ? next_row
                                     : !place.ends_row() ? next_window
                                                         : next_windows;
            address = address + distance;
            chunk = ends_pixel ? 0 : chunk + 1;
            if (ends_window) {
                row_step = 0;
                column_step = 0;
                released = leave;
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
        word<InputPixels * width> beat;
        const bool accepted = received < beats && received - released < Depth && in.read_nb(beat);
        if (accepted) {
            for (unsigned i = 0; i < touched; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                buffer[i][write_address] = beat;
            }
            write_address = write_address == Depth - 1 ? 0 : write_address + 1;
            ++received;
        }
#ifndef __SYNTHESIS__
        // In C simulation a frame is there as a whole, or never.
        if (!ready && !accepted && arrived == received) return;
#endif
    }
}

}  // namespace bnn

#endif
