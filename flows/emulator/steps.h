// SPDX-License-Identifier: Apache-2.0
// Thresholds as a function of one element: how many thresholds of its channel it reaches, or stays below.
//
// values: levels, thresholds (rows x levels), decreasing (rows); one row for all channels, or one for each.
#ifndef BNN_EMULATOR_STEPS_H
#define BNN_EMULATOR_STEPS_H

#include "kernel.h"

namespace bnn {

struct Steps {
    std::size_t rows, levels;
    std::vector<std::int64_t> thresholds;
    std::vector<std::uint8_t> decreasing;
    std::int64_t lo;
    bool bipolar;

    Steps(const Unit& unit, std::size_t channels)
        : levels(static_cast<std::size_t>(unit.number("levels"))), lo(unit.output().lo),
          bipolar(unit.output().storage == Storage::bits) {
        rows = unit.array("decreasing").count;
        if (rows != 1 && rows != channels) refuse("rows are no channels");
        const Values limits = unit.array("thresholds", rows * levels);
        const Values directions = unit.array("decreasing", rows);
        thresholds.assign(limits.data, limits.data + limits.count);
        for (std::size_t row = 0; row < rows; ++row) decreasing.push_back(directions[row] != 0);
    }

    std::int64_t apply(std::size_t channel, std::int64_t value) const {
        const std::size_t row = rows == 1 ? 0 : channel;
        std::int64_t count = 0;
        for (std::size_t level = 0; level < levels; ++level) {
            count += (value >= thresholds[row * levels + level]) != (decreasing[row] != 0);
        }
        return bipolar ? 2 * count - 1 : lo + count;
    }
};

}  // namespace bnn

#endif
