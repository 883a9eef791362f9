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

    word<Width> line[Depth];
    BNN_PRAGMA(HLS BIND_STORAGE variable=line type=ram_s2p)

    unsigned received = 0;
    unsigned released = 0;
    unsigned write_address = 0;
    unsigned address = 0;
    unsigned beat = 0;  // of the frame, the one to be sent
    unsigned chunk = 0;
    unsigned repeat = 0;
    unsigned column = 0;
    unsigned again = 0;
    unsigned row = 0;

    while (beat < beats) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const bool ready = received > beat;
        if (ready) {
            out.write(line[address]);
            const bool ends_pixel = chunk == Chunks - 1;
            const bool ends_repeats = ends_pixel && repeat == last_column_copies[ColumnEntries > 1 ? column : 0];
            const bool ends_row = ends_repeats && column == Columns - 1;
            const bool is_last_row = again == last_row_copies[RowEntries > 1 ? row : 0];
            if (is_last_row && repeat == last_column_copies[ColumnEntries > 1 ? column : 0]) released = beat + 1;
            if (ends_row && !is_last_row) {
                beat -= row_beats - 1;
                address = advance(address, same_row, Depth);
            } else if (ends_pixel && !ends_repeats) {
                beat -= Chunks - 1;
                address = advance(address, same_pixel, Depth);
            } else {
                ++beat;
                address = advance(address, next_beat, Depth);
            }
            chunk = ends_pixel ? 0 : chunk + 1;
            if (ends_pixel) repeat = ends_repeats ? 0 : repeat + 1;
            if (ends_repeats) column = ends_row ? 0 : column + 1;
            if (ends_row && is_last_row) ++row;
            if (ends_row) again = is_last_row ? 0 : again + 1;
        }
        word<Width> pixel;
        const bool accepted = received < beats && received - released < Depth && in.read_nb(pixel);
        if (accepted) {
            line[write_address] = pixel;
            write_address = advance(write_address, next_beat, Depth);
            ++received;
        }
#ifndef __SYNTHESIS__
        if (!ready && !accepted) return;  // In C simulation a frame is there as a whole, or never.
#endif
    }
}

}  // namespace bnn

#endif
