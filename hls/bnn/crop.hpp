// SPDX-License-Identifier: Apache-2.0
// Crop: hands on the pixels that lie in some rows and in some columns, and drops the others.
#ifndef BNN_CROP_HPP_
#define BNN_CROP_HPP_

#include "table.hpp"
#include "word.hpp"

namespace bnn {

/// The crop unit, for one frame.
///
/// Rows, Columns   of the image taken; columns are groups of them where a beat has several pixels
/// Chunks          beats of a pixel
/// Width           bits of a beat
///
/// `kept_rows` [Rows] and `kept_columns` [Columns]: 1 where a row or a column is kept.
template <unsigned Rows, unsigned Columns, unsigned Chunks, unsigned Width, class Entry>
void crop(hls::stream<word<Width>>& in, hls::stream<word<Width>>& out, const Entry (&kept_rows)[Rows],
          const Entry (&kept_columns)[Columns]) {
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
