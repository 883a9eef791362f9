// SPDX-License-Identifier: Apache-2.0
// Crop: passes on the pixels of some rows and some columns, and drops all others.
#ifndef BNN_CROP_HPP_
#define BNN_CROP_HPP_

#include "table.hpp"
#include "word.hpp"

namespace bnn {

/// The crop unit, for one frame.
///
/// Rows      rows of the input image, at least 1
/// Columns   columns of it, at least 1; where a beat has several pixels, groups of as many columns
/// Chunks    beats of a pixel, at least 1; 1 where a beat has several pixels
/// Width     bits of a beat, at least 1
///
/// `kept_rows` [Rows] and `kept_columns` [Columns]: 1 where a row or a column is kept.
template <unsigned Rows, unsigned Columns, unsigned Chunks, unsigned Width, class Entry>
void crop(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out, const Entry (&kept_rows)[Rows],
          const Entry (&kept_columns)[Columns]) {
    static_assert(Chunks >= 1 && Width >= 1, "a pixel has at least one beat, and a beat at least one bit");
    unsigned row = 0, column = 0, chunk = 0;
    for (unsigned index = 0; index < Rows * Columns * Chunks; ++index) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        const word<Width> beat = in.read();
        if (kept_rows[row] != 0 && kept_columns[column] != 0) out.write(beat);
        if (++chunk == Chunks) {
            chunk = 0;
            if (++column == Columns) {
                column = 0;
                ++row;
            }
        }
    }
}

}  // namespace bnn

#endif
