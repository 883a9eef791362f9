// SPDX-License-Identifier: Apache-2.0
// The loops of a sliding window, and its places in a ring, one step ahead: what a step needs is in registers when it
// takes place, so that no step waits for more than one addition of the step before.
#ifndef BNN_WINDOW_LOOPS_HPP_
#define BNN_WINDOW_LOOPS_HPP_

#include "ring.hpp"

namespace bnn {
namespace detail {

/// What ends with a step; each implies those before it.
struct loop_ends {
    bool pixel, kernel_row, window, row, frame;
};

/// The loops over the units of a pixel, the steps of a kernel row, the rows of them, and the windows of a row and rows
/// of windows that have beats of their own.
template <unsigned Chunks, unsigned KernelColumns, unsigned KernelRows, unsigned Columns, unsigned Rows>
struct window_loops {
    // The step after the present one.
    unsigned chunk = 0;
    unsigned kernel_column = 0;
    unsigned kernel_row = 0;
    unsigned column = 0;
    unsigned row = 0;

    /// What ends with it.
    loop_ends ends() const {
        BNN_PRAGMA(HLS INLINE)
        loop_ends result;
        result.pixel = chunk == Chunks - 1;
        result.kernel_row = result.pixel && kernel_column == KernelColumns - 1;
        result.window = result.kernel_row && kernel_row == KernelRows - 1;
        result.row = result.window && column == Columns - 1;
        result.frame = result.row && row == Rows - 1;
        return result;
    }

    /// The step behind it, where `ending` are its ends; behind the frame's last step, its first one.
    void advance(const loop_ends& ending) {
        BNN_PRAGMA(HLS INLINE)
        chunk = ending.pixel ? 0 : chunk + 1;
        if (ending.pixel) kernel_column = ending.kernel_row ? 0 : kernel_column + 1;
        if (ending.kernel_row) kernel_row = ending.window ? 0 : kernel_row + 1;
        if (ending.window) column = ending.row ? 0 : column + 1;
        if (ending.row) row = ending.frame ? 0 : row + 1;
    }
};

/// The beat in which a place lies, where a beat has `Units` units; in front of the image it is negative.
template <unsigned Units>
constexpr long long beat_of(long long place) {
    return (place - static_cast<long long>(in_ring(place, Units))) / static_cast<long long>(Units);
}

/// A place in the ring: a beat, and a unit of that beat.
template <unsigned Depth, unsigned Units>
struct ring_place {
    unsigned beat;
    unsigned unit;

    /// The place at `distance` from the ring's first beat, in units.
    static constexpr ring_place at(long long distance) {
        return {in_ring(beat_of<Units>(distance), Depth), in_ring(distance, Units)};
    }

    /// The place that lies `step` further on.
    ring_place operator+(const ring_place& step) const {
        BNN_PRAGMA(HLS INLINE)
        const unsigned sum = unit + step.unit;
        const unsigned carry = sum >= Units ? 1 : 0;
        return {advance(beat, step.beat + carry, Depth), carry != 0 ? sum - Units : sum};
    }
};

/// A place that moves in the ring by steps known one step ahead.
template <unsigned Depth, unsigned Units>
struct ring_walk {
    using Place = ring_place<Depth, Units>;

    Place place;
    // The unit of the next place, and the beats to it; the same less the ring.
    unsigned next_unit;
    int beats;
    int beats_less;

    ring_walk(const Place& first, const Place& distance) : place(first), next_unit(first.unit) {
        BNN_PRAGMA(HLS INLINE)
        plan(distance);
    }

    /// To the next place; `distance` is that from there to the one behind it.
    void advance(const Place& distance) {
        BNN_PRAGMA(HLS INLINE)
        const int beat = static_cast<int>(place.beat);
        const int wrapped = beat + beats_less;
        place.beat = static_cast<unsigned>(wrapped >= 0 ? wrapped : beat + beats);
        place.unit = next_unit;
        plan(distance);
    }

private:
    void plan(const Place& distance) {
        BNN_PRAGMA(HLS INLINE)
        const unsigned sum = next_unit + distance.unit;
        const bool carries = sum >= Units;
        next_unit = carries ? sum - Units : sum;
        beats = static_cast<int>(distance.beat) + (carries ? 1 : 0);
        beats_less = beats - static_cast<int>(Depth);
    }
};

}  // namespace detail

}  // namespace bnn

#endif
