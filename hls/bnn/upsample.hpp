// SPDX-License-Identifier: Apache-2.0
// Upsample: each pixel again and again, along its row and row after row, from a line buffer.
//
// Like the window unit, it takes a beat of the image whenever one has come and the line buffer has room, and sends one
// a cycle of what is there; taking does not wait for the image. A beat is given up when it is sent for the last time.
#ifndef BNN_UPSAMPLE_HPP_
#define BNN_UPSAMPLE_HPP_

#include "ring.hpp"
#include "table.hpp"
#include "word.hpp"

#include <cstddef>

namespace bnn {

/// The upsampling unit, for one frame.
///
/// Rows, Columns, Chunks   of the image: rows, columns, beats of a pixel
/// Width                   bits of a beat
/// Depth                   beats that the line buffer holds
///
/// `last_row_copies` and `last_column_copies`: of each row and of each column the number of its last copy, from 0 on;
/// one entry serves all.
template <unsigned Rows, unsigned Columns, unsigned Chunks, unsigned Width, unsigned Depth, class RowEntry,
          std::size_t RowEntries, class ColumnEntry, std::size_t ColumnEntries>
void upsample(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out,
              const RowEntry (&last_row_copies)[RowEntries], const ColumnEntry (&last_column_copies)[ColumnEntries]) {
    static_assert(RowEntries == 1 || RowEntries == Rows, "there is an entry for all rows, or one for each");
    static_assert(ColumnEntries == 1 || ColumnEntries == Columns, "there is an entry for all columns, or one for each");
    static_assert(Depth >= 1, "the line buffer holds at least one beat");
    constexpr unsigned row_beats = Columns * Chunks;
    constexpr unsigned beats = Rows * row_beats;
    constexpr unsigned next_beat = in_ring(1, Depth);
    constexpr unsigned same_pixel = in_ring(-static_cast<long long>(Chunks - 1), Depth);
    constexpr unsigned same_row = in_ring(-static_cast<long long>(row_beats - 1), Depth);

    word<Width> line[Depth];
    BNN_PRAGMA(HLS BIND_STORAGE variable=line type=ram_s2p)

    unsigned came = 0;
    unsigned gone = 0;
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
        const bool ready = came > beat;
        if (ready) {
            out.write(line[address]);
            const bool ends_pixel = chunk == Chunks - 1;
            const bool ends_repeats = ends_pixel && repeat == last_column_copies[ColumnEntries > 1 ? column : 0];
            const bool ends_row = ends_repeats && column == Columns - 1;
            const bool is_last_row = again == last_row_copies[RowEntries > 1 ? row : 0];
            if (is_last_row && repeat == last_column_copies[ColumnEntries > 1 ? column : 0]) gone = beat + 1;
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
        const bool taken = came < beats && came - gone < Depth && in.read_nb(pixel);
        if (taken) {
            line[write_address] = pixel;
            write_address = advance(write_address, next_beat, Depth);
            ++came;
        }
#ifndef __SYNTHESIS__
        if (!ready && !taken) return;  // In C simulation a frame is there as a whole, or never.
#endif
    }
}

}  // namespace bnn

#endif
