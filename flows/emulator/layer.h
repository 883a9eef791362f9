// SPDX-License-Identifier: Apache-2.0
// A matrix-vector unit's weights and thresholds, as all its kernels start from them.
#ifndef BNN_EMULATOR_LAYER_H
#define BNN_EMULATOR_LAYER_H

#include <algorithm>
#include <cstdlib>

#include "kernel.h"

namespace bnn {

inline std::int64_t ceiling_half(std::int64_t value) { return (value >> 1) + (value & 1); }

// All neurons count the thresholds that they reach. One that counts thresholds above its value (decreasing) has its
// weights negated, as a < T is -a >= 1 - T.
struct Layer {
    std::size_t neurons, inputs, levels;
    std::vector<std::int64_t> weights, thresholds;
    std::int64_t smallest = 0, highest = 0;  // of the weights
    bool bipolar = true;

    explicit Layer(const Unit& unit)
        : neurons(unit.output().channels), inputs(unit.input().channels),
          levels(static_cast<std::size_t>(unit.number("levels"))) {
        if (unit.input().positions != unit.output().positions) refuse("positions differ");
        const Values values = unit.array("weights", neurons * inputs);
        weights.assign(values.data, values.data + values.count);
        if (levels > 0) {
            const Values limits = unit.array("thresholds", neurons * levels);
            const Values decreasing = unit.array("decreasing", neurons);
            thresholds.assign(limits.data, limits.data + limits.count);
            for (std::size_t n = 0; n < neurons; ++n) {
                if (decreasing[n]) negate(n);
            }
        }
        for (const std::int64_t weight : weights) {
            smallest = std::min(smallest, weight);
            highest = std::max(highest, weight);
            bipolar = bipolar && (weight == 1 || weight == -1);
        }
    }

    // A bound on all partial sums with inputs up to `magnitude`.
    std::int64_t bound(std::int64_t magnitude) const {
        std::int64_t most = 0;
        for (std::size_t n = 0; n < neurons; ++n) {
            std::int64_t sum = 0;
            for (std::size_t i = 0; i < inputs; ++i) sum += std::abs(weights[n * inputs + i]);
            most = std::max(most, sum * magnitude);
        }
        return most;
    }

private:
    void negate(std::size_t neuron) {
        for (std::size_t i = 0; i < inputs; ++i) weights[neuron * inputs + i] *= -1;
        for (std::size_t level = 0; level < levels; ++level) {
            std::int64_t& threshold = thresholds[neuron * levels + level];
            threshold = 1 - threshold;
        }
    }
};

// How a sum over bits gives the dot product: with m the inverse of bipolar weights, the ones of x ^ m are counted,
// plane by plane where inputs have several bits; then dot = scale * sum + bias of the neuron.
//
// For bipolar inputs, dot = 2 sum - inputs. For planes, dot = sum - (the weights of all planes) * (ones of m), where
// the weight of a sign plane is negative.
struct BitSums {
    std::size_t planes;
    bool is_signed;
    bool bipolar_inputs;

    std::int64_t scale() const { return bipolar_inputs ? 2 : 1; }

    std::int64_t bias(const Layer& layer, std::size_t neuron) const {
        if (bipolar_inputs) return -static_cast<std::int64_t>(layer.inputs);
        std::int64_t negative = 0;
        for (std::size_t i = 0; i < layer.inputs; ++i) negative += layer.weights[neuron * layer.inputs + i] < 0;
        return is_signed ? negative : -((std::int64_t{1} << planes) - 1) * negative;
    }
};

std::unique_ptr<Kernel> make_sliced_matrix_vector(const Unit& unit, const Layer& layer, BitSums sums);

}  // namespace bnn

#endif
