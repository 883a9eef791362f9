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
// A unit is as many channels of a pixel as an output beat has of each of its pixels. The buffer is a ring of input
// beats. A place in it is a beat and a unit of that beat; places advance by constants, one for each loop that ends
// (channels, kernel columns, kernel rows, window columns, window rows), modulo its depth. Loops run one step ahead, and
// how many beats a window needs and frees comes from tables as increments, so that a step depends on the step before by
// one addition.
#ifndef BNN_WINDOW_HPP_
#define BNN_WINDOW_HPP_

#include "ring.hpp"
#include "table.hpp"
#include "window_loops.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>

namespace bnn {
namespace detail {

/// Bits of numbers below `count`, at least 1.
constexpr unsigned index_bits(unsigned count) { return count <= 2 ? 1 : 1 + index_bits((count + 1) / 2); }

}  // namespace detail

/// The window unit, for one frame.
///
/// Rows, Columns  size of the image, at least 1 each
/// Part           channels of a unit, at least 1
/// Chunks         units of a pixel, at least 1
/// InputUnits     units of an input beat: a divisor of Chunks, or those of whole pixels in a number that divides
///                Columns
/// ElementBits    bits of an element, 1 to 64
/// Kernel~, Stride~, Dilation~   rows and columns, as in ONNX, at least 1 each
/// PadTop         rows above the image; those below follow from WindowRows
/// PadLeft        columns left of the image; those right of it follow from WindowColumns
/// WindowRows     rows of windows, at least 1
/// WindowColumns  windows of a row, at least 1
/// Taps           pixels of a window in an output beat, with a unit of each: a part of a kernel row that divides it, or
///                whole kernel rows that divide the kernel; the next beats have the other units of the same pixels
/// Windows        windows of an output beat, a part of a row of windows that divides it; more than one needs Taps to be
///                all pixels of a window, and Chunks = 1
/// Flagged        1: above the elements, a flag for each pixel of a beat says that it lies outside the image
/// Fill           the code of elements outside the image, of ElementBits bits
/// Depth          beats that the line buffer holds: at least those from the first to the last that a window needs,
///                or the unit deadlocks; more let it read on meanwhile
/// FirstNeed      input beats that the windows of the first beat need, 1 to Depth
///
/// `column_steps` [kinds << b][2]: from a beat's windows to the next ones of their row, how many more beats are needed
/// and how many released, at address kind << b | column, where b is the bits of a beat's number in its row, at least 1;
/// or [1][2], the same everywhere. `row_steps` [WindowRows][2]: the same from the last windows of each row.
/// `next_kinds` [WindowRows]: the kind of the row of windows behind each one; behind the last one, of the first.
template <unsigned Rows, unsigned Columns, unsigned Part, unsigned Chunks, unsigned InputUnits, unsigned ElementBits,
          unsigned KernelRows, unsigned KernelColumns, unsigned StrideRows, unsigned StrideColumns,
          unsigned DilationRows, unsigned DilationColumns, unsigned PadTop, unsigned PadLeft, unsigned WindowRows,
          unsigned WindowColumns, unsigned Taps, unsigned Windows, bool Flagged, std::uint64_t Fill, unsigned Depth,
          unsigned FirstNeed, class Step, std::size_t ColumnEntries, class RowStep, std::size_t RowEntries, class Kind,
          std::size_t Kinds>
void window(hls::stream<word<InputUnits * Part * ElementBits>>& in,
            hls::stream<word<Windows * Taps*(Part* ElementBits + Flagged)>>& out,
            const Step (&column_steps)[ColumnEntries][2], const RowStep (&row_steps)[RowEntries][2],
            const Kind (&next_kinds)[Kinds]) {
    static_assert(Part >= 1 && Chunks >= 1 && InputUnits >= 1 && Taps >= 1 && Windows >= 1,
                  "there is at least one unit of a pixel of a window in a beat");
    static_assert(KernelColumns % Taps == 0 || (Taps % KernelColumns == 0 && KernelRows % (Taps / KernelColumns) == 0),
                  "the pixels of a beat must be a part of a kernel row that divides it, or whole kernel rows");
    static_assert(Windows == 1 || (Taps == KernelRows * KernelColumns && Chunks == 1),
                  "several windows of a beat must be whole");
    static_assert(WindowColumns % Windows == 0, "the windows of a beat must be a part of a row of windows");
    static_assert(Chunks % InputUnits == 0 || (InputUnits % Chunks == 0 && Columns * Chunks % InputUnits == 0),
                  "an input beat must be a part of a pixel, or whole pixels that are a part of a row");
    static_assert(WindowRows >= 1 && WindowColumns >= 1, "the kernel must fit the image with its pads");
    static_assert(Rows >= 1 && Columns >= 1, "an image has at least one pixel");
    static_assert(KernelRows >= 1 && KernelColumns >= 1, "a kernel has at least one pixel");
    static_assert(StrideRows >= 1 && StrideColumns >= 1 && DilationRows >= 1 && DilationColumns >= 1,
                  "strides and dilations are at least 1");
    static_assert(ElementBits >= 1 && ElementBits <= chunk_bits, "an element has 1 to 64 bits");
    static_assert((Fill & ~mask_of(ElementBits)) == 0, "the code of elements outside must fit an element");
    static_assert(Depth >= 1, "the line buffer holds at least one beat");
    static_assert(FirstNeed >= 1 && FirstNeed <= Depth, "the line buffer holds what the first windows need");
    static_assert(RowEntries == WindowRows && Kinds == WindowRows, "the tables must have an entry per row of windows");

    constexpr unsigned width = Part * ElementBits;
    constexpr unsigned pixels = Windows * Taps;  // of an output beat
    constexpr unsigned tap_columns = Taps < KernelColumns ? Taps : KernelColumns;
    constexpr unsigned tap_rows = Taps / tap_columns;
    constexpr unsigned step_columns = KernelColumns / tap_columns;
    constexpr unsigned step_rows = KernelRows / tap_rows;
    constexpr unsigned beats = Rows * (Columns * Chunks / InputUnits);
    constexpr unsigned beat_columns = WindowColumns / Windows;  // windows of a row that have beats of their own
    constexpr unsigned column_bits = detail::index_bits(beat_columns);
    static_assert(ColumnEntries == 1 || ColumnEntries % (1u << column_bits) == 0,
                  "the table must have an entry for each column and kind of row, or one for all");

    // Distances in units: of a step right and of a step down in the kernel, and
    // from a window's first beat to its last one.
    constexpr long long right = static_cast<long long>(Chunks) * DilationColumns * tap_columns;
    constexpr long long down = static_cast<long long>(Chunks) * DilationRows * tap_rows * Columns;
    constexpr long long in_pixel = Chunks - 1;
    constexpr long long in_row = in_pixel + (step_columns - 1) * right;
    constexpr long long in_window = in_row + (step_rows - 1) * down;
    constexpr long long in_windows =
        in_window + static_cast<long long>(WindowColumns - Windows) * StrideColumns * Chunks;
    using Address = detail::ring_place<Depth, InputUnits>;
    constexpr Address next_chunk = Address::at(1);
    constexpr Address next_column = Address::at(right - in_pixel);
    constexpr Address next_row = Address::at(down - in_row);
    constexpr Address next_window = Address::at(static_cast<long long>(Windows) * StrideColumns * Chunks - in_window);
    constexpr Address next_windows = Address::at(static_cast<long long>(StrideRows) * Columns * Chunks - in_windows);

    // From the place of a step to that of the next one.
    const auto distance = [&](const detail::loop_ends& ends) {
        return !ends.pixel        ? next_chunk
               : !ends.kernel_row ? next_column
               : !ends.window     ? next_row
               : !ends.row        ? next_window
                                  : next_windows;
    };

    // A copy for each pixel that an output beat touches. Windows share pixels, whose columns are `grid` apart.
    constexpr unsigned grid = Windows == 1                                               ? DilationColumns
                              : tap_columns == 1 || DilationColumns % StrideColumns == 0 ? StrideColumns
                              : StrideColumns % DilationColumns == 0                     ? DilationColumns
                                                                                         : 1;
    constexpr unsigned touched_columns =
        ((Windows - 1) * StrideColumns + (tap_columns - 1) * DilationColumns) / grid + 1;
    constexpr unsigned touched = tap_rows * touched_columns;
    word<InputUnits * width> buffer[touched][Depth];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=buffer complete dim=1)
    BNN_PRAGMA(HLS BIND_STORAGE variable=buffer type=ram_s2p)
    // A beat is read in the second turn after the one that writes it, at the earliest (`was_accepted`).
    BNN_PRAGMA(HLS DEPENDENCE variable=buffer type=inter direction=RAW distance=2 dependent=true)

    bits<width> fill;
    for (unsigned i = 0; i < Part; ++i) {
        BNN_PRAGMA(HLS UNROLL)
        fill.template set<ElementBits>(i * ElementBits, Fill);
    }

    detail::window_loops<Chunks, step_columns, step_rows, beat_columns, WindowRows> loops;
    detail::loop_ends ends = loops.ends();  // with the present step
    loops.advance(ends);
    detail::ring_walk<Depth, InputUnits> walk(
        Address::at(-static_cast<long long>(Chunks) * (static_cast<long long>(PadTop) * Columns + PadLeft)),
        distance(ends));

    // How many beats more the windows behind some windows need (0), and how many those release (1).
    std::size_t kind = next_kinds[WindowRows - 1];  // of the row of the step after the present one
    const auto steps_behind = [&](unsigned row, unsigned column, unsigned which) -> int {
        BNN_PRAGMA(HLS INLINE)
        const std::size_t entry = ColumnEntries == 1 ? 0 : kind << column_bits | column;
        return column == beat_columns - 1 ? row_steps[row][which] : column_steps[entry][which];
    };
    int more = steps_behind(0, 0, 0);
    int released = steps_behind(0, 0, 1);
    int ahead = -static_cast<int>(FirstNeed);  // beats that have arrived, less those that the present windows need
    int taken = -static_cast<int>(Depth);      // beats held, less those that there is room for
    unsigned missing = beats;
    bool was_accepted = false;
    unsigned write_address = 0;
    // Of the step's first pixel, and of its windows.
    int row = -static_cast<int>(PadTop);
    int column = -static_cast<int>(PadLeft);
    int top = row;
    int left = column;

    bool done = false;
    while (!done) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bool ready = ahead >= 0;
        const bool has_room = taken < 0 && missing != 0;
        if (was_accepted) ++ahead;
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
                const Address at = walk.place + Address::at(static_cast<long long>(Chunks) *
                                                            (further_rows * Columns + further_columns));
                const bits<InputUnits * width> all(buffer[i][at.beat]);
                seen[i] = outside[i] ? fill : all.template slice<width>(at.unit * width);
            }
            bits<pixels*(width + Flagged)> y;
            for (unsigned o = 0; o < pixels; ++o) {
                BNN_PRAGMA(HLS UNROLL)
                const unsigned tap = o % Taps;
                const unsigned further = o / Taps * StrideColumns + tap % tap_columns * DilationColumns;
                const unsigned from = tap / tap_columns * touched_columns + further / grid;
                y.insert(o * width, seen[from]);
                if (Flagged && outside[from]) y.template set<1>(pixels * width + o, 1);
            }
            out.write(y.packed());

            done = ends.frame;
            if (ends.window) {
                ahead -= more;
                taken -= released;
                column = ends.row ? -static_cast<int>(PadLeft) : left + static_cast<int>(Windows * StrideColumns);
                row = ends.row ? top + static_cast<int>(StrideRows) : top;
                left = column;
                top = row;
            } else if (ends.kernel_row) {
                row += static_cast<int>(DilationRows * tap_rows);
                column = left;
            } else if (ends.pixel) {
                column += static_cast<int>(DilationColumns * tap_columns);
            }
            more = steps_behind(loops.row, loops.column, 0);
            released = steps_behind(loops.row, loops.column, 1);
            ends = loops.ends();
            walk.advance(distance(ends));
            if (ends.row) kind = next_kinds[loops.row];
            loops.advance(ends);
        }
        word<InputUnits * width> beat;
        const bool accepted = has_room && in.read_nb(beat);
        if (accepted) {
            for (unsigned i = 0; i < touched; ++i) {
                BNN_PRAGMA(HLS UNROLL)
                buffer[i][write_address] = beat;
            }
            write_address = write_address == Depth - 1 ? 0 : write_address + 1;
            ++taken;
            --missing;
        }
#ifndef __SYNTHESIS__
        // In C simulation a frame is there as a whole, or never.
        if (!ready && !accepted && !was_accepted) return;
#endif
        was_accepted = accepted;
    }
}

}  // namespace bnn

#endif
