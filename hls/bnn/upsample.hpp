// SPDX-License-Identifier: Apache-2.0
// Upsample: repeats each pixel along its row, and each row, from a line buffer.
//
// Like the window unit, it reads a beat of the image whenever one has arrived and the line buffer has room, and sends
// one beat per cycle as long as the buffer has the next one; sending never waits for an input beat that it does not
// need. A beat leaves the buffer when it is sent for the last time.
#ifndef BNN_UPSAMPLE_HPP_
#define BNN_UPSAMPLE_HPP_

#include "ring.hpp"
#include "table.hpp"
#include "word.hpp"

#include <cstddef>

namespace bnn {

/// The upsampling unit, for one frame.
///
/// Rows      rows of the input image, at least 1
/// Columns   columns of it, at least 1
/// Chunks    beats of a pixel, at least 1
/// Width     bits of a beat, at least 1
/// Depth     beats that the line buffer holds, at least 1; those of a pixel where columns are repeated, those of a row
///           where rows are, or the unit deadlocks
///
/// `last_row_copies` [Rows] and `last_column_copies` [Columns]: how often each row and each column is repeated beyond
/// its first copy. A table of one entry serves all rows or columns.
template <unsigned Rows, unsigned Columns, unsigned Chunks, unsigned Width, unsigned Depth, class RowEntry,
          std::size_t RowEntries, class ColumnEntry, std::size_t ColumnEntries>
void upsample(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out,
              const RowEntry (&last_row_copies)[RowEntries], const ColumnEntry (&last_column_copies)[ColumnEntries]) {
    static_assert(Rows >= 1 && Columns >= 1 && Chunks >= 1 && Width >= 1, "an image has at least one pixel of one bit");
    static_assert(RowEntries == 1 || RowEntries == Rows, "the table must have one entry for all rows, or one for each");
    static_assert(ColumnEntries == 1 || ColumnEntries == Columns,
                  "the table must have one entry for all columns, or one for each");
    static_assert(Depth >= 1, "the line buffer holds at least one beat");
    constexpr unsigned row_beats = Columns * Chunks;
    constexpr unsigned beats = Rows * row_beats;
    constexpr unsigned next_beat = in_ring(1, Depth);
    constexpr unsigned same_pixel = in_ring(-static_cast<long long>(Chunks - 1), Depth);
    constexpr unsigned same_row = in_ring(-static_cast<long long>(row_beats - 1), Depth);
    const auto row_copies = [&](unsigned row) -> unsigned { return last_row_copies[RowEntries > 1 ? row : 0]; };
    const auto column_copies = [&](unsigned column) -> unsigned {
        return last_column_copies[ColumnEntries > 1 ? column : 0];
    };

    word<Width> line[Depth];
    BNN_PRAGMA(HLS BIND_STORAGE variable=line type=ram_s2p)
    // A beat is read in the second turn after the one that writes it, at the earliest (`was_accepted`).
    BNN_PRAGMA(HLS DEPENDENCE variable=line type=inter direction=RAW distance=2 dependent=true)

    unsigned missing = beats;
    int room = static_cast<int>(Depth);
    int fresh = 0;  // beats that have arrived and have not been sent yet
    bool was_accepted = false;
    unsigned write_address = 0;
    unsigned address = 0;
    unsigned chunk = 0;
    // What is left of a pixel's copies and of a row's, whether this is the first one, and what comes then.
    unsigned copies_left = column_copies(0);
    unsigned rows_left = row_copies(0);
    bool is_first_copy = true;
    bool is_first_row = true;
    unsigned next_column = Columns > 1 ? 1 : 0;
    unsigned next_row = Rows > 1 ? 1 : 0;

    bool done = false;
    while (!done) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bool is_first = is_first_copy && is_first_row;
        const bool ready = !is_first || fresh > 0;
        const bool has_room = room > 0 && missing != 0;
        if (was_accepted) ++fresh;
        if (ready) {
            out.write(line[address]);
            const bool ends_pixel = chunk == Chunks - 1;
            const bool is_last_copy = copies_left == 0;
            const bool is_last_row = rows_left == 0;
            const bool ends_copies = ends_pixel && is_last_copy;
            const bool ends_row = ends_copies && next_column == 0;
            const bool ends_rows = ends_row && is_last_row;
            if (is_first) --fresh;
            if (is_last_copy && is_last_row) ++room;
            done = ends_rows && next_row == 0;
            address = ends_row && !is_last_row      ? advance(address, same_row, Depth)
                      : ends_pixel && !is_last_copy ? advance(address, same_pixel, Depth)
                                                    : advance(address, next_beat, Depth);
            chunk = ends_pixel ? 0 : chunk + 1;
            if (ends_pixel) {
                copies_left = is_last_copy ? column_copies(next_column) : copies_left - 1;
                is_first_copy = is_last_copy;
            }
            if (ends_copies) next_column = next_column == Columns - 1 ? 0 : next_column + 1;
            if (ends_row) {
                rows_left = is_last_row ? row_copies(next_row) : rows_left - 1;
                is_first_row = is_last_row;
            }
            if (ends_rows) next_row = next_row == Rows - 1 ? 0 : next_row + 1;
        }
        word<Width> pixel;
        const bool accepted = has_room && in.read_nb(pixel);
        if (accepted) {
            line[write_address] = pixel;
            write_address = advance(write_address, next_beat, Depth);
            --missing;
            --room;
        }
#ifndef __SYNTHESIS__
        if (!ready && !accepted && !was_accepted) return;  // In C simulation a frame is there as a whole, or never.
#endif
        was_accepted = accepted;
    }
}

}  // namespace bnn

#endif
