// SPDX-License-Identifier: Apache-2.0
// Matrix-vector: dot products of every row with all neurons, thresholds merged or raw sums.
//
// values: weights (neurons x inputs), levels, and with levels > 0: thresholds (neurons x levels), decreasing (neurons).
//
// Four ways, by what the integers are; all but the last run over tiles (dot_tiles.h):
//   bits     bipolar weights on bipolar inputs: 2 * (equal bits) - inputs;
//   planes   bipolar weights on inputs of few bits: each bit plane as above, weighted by its power of two;
//   bytes    weights and inputs of up to 8 bits: byte products;
//   wide     anything else, one product after the other in 64 bits.
// Every way sums something of which the dot product is scale * sum + bias of the neuron, with scale > 0, so that
// thresholds can be rewritten for the sum itself. A neuron that counts values below its thresholds (decreasing) has its
// weights negated, for a < T is -a >= 1 - T.
#include <algorithm>
#include <cstdlib>

#include "dot_tiles.h"
#include "kernel.h"

namespace bnn {
namespace {

// Inputs of at most so many bits are summed plane by plane where that takes fewer instructions than byte products.
#if defined(BNN_AVX512)
constexpr int kMostPlanes = 2;
#else
constexpr int kMostPlanes = 4;
#endif

// Vectors are taken by so many that their neurons fill whole bytes.
constexpr std::size_t kVectorUnit = kLanes < 8 ? 8 / kLanes : 1;
constexpr std::size_t kPanelBytes = 16 * 1024;

std::int64_t ceiling_half(std::int64_t value) { return (value >> 1) + (value & 1); }

// Weights and thresholds, all neurons increasing.
struct Layer {
    std::size_t neurons, inputs, levels;
    std::vector<std::int64_t> weights, thresholds;
    std::int64_t largest = 0;   // of the weights' magnitudes
    std::int64_t smallest = 0;  // of the weights themselves
    std::int64_t highest = 0;
    bool bipolar = true;

    explicit Layer(const Unit& unit)
        : neurons(unit.output().channels),
          inputs(unit.input().channels),
          levels(static_cast<std::size_t>(unit.number("levels"))) {
        if (unit.input().positions != unit.output().positions) throw std::invalid_argument("positions differ");
        const Values given = unit.array("weights", neurons * inputs);
        weights.assign(given.data, given.data + given.count);
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

    // A bound of all partial sums with inputs up to `magnitude`.
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

// How rows become groups, and neurons likewise.
struct BitGroups {
    using Tiles = BitTiles;
    std::size_t planes;
    bool is_signed;
    bool bipolar_inputs;

    std::size_t groups(std::size_t inputs) const { return (inputs + 31) / 32; }

    void neuron(const Layer& layer, std::size_t n, std::uint32_t* groups) const {
        for (std::size_t i = 0; i < layer.inputs; ++i) {
            groups[i / 32] |= static_cast<std::uint32_t>(layer.weights[n * layer.inputs + i] < 0) << (i % 32);
        }
    }

    // With m the negative weights, the sum counts x ^ m: over bipolar inputs dot = 2 sum - inputs, and over planes
    // dot = sum - (all planes' weights) * (ones of m).
    std::int64_t scale() const { return bipolar_inputs ? 2 : 1; }

    std::int64_t bias(const Layer& layer, std::size_t n) const {
        if (bipolar_inputs) return -static_cast<std::int64_t>(layer.inputs);
        std::int64_t negative = 0;
        for (std::size_t i = 0; i < layer.inputs; ++i) negative += layer.weights[n * layer.inputs + i] < 0;
        return is_signed ? negative : -((std::int64_t{1} << planes) - 1) * negative;
    }

    bool in_place(const Tensor& tensor) const { return tensor.storage == Storage::bits && !Tiles::kEncodes; }

    // `scratch` has a byte for each input and room for one plane.
    void row(const Tensor& tensor, const void* row, std::uint32_t* encoded, void* scratch) const {
        const std::size_t count = groups(tensor.channels), step = Tiles::encoded_groups(count);
        if (tensor.storage == Storage::bits) return Tiles::encode(static_cast<const std::uint32_t*>(row), count, encoded);
        std::uint64_t* words = static_cast<std::uint64_t*>(scratch);
        for (std::size_t plane = 0; plane < planes; ++plane) {
            plane_bits(static_cast<const std::uint8_t*>(row), tensor.channels, static_cast<int>(plane), words);
            Tiles::encode(reinterpret_cast<const std::uint32_t*>(words), count, encoded + plane * step);
        }
    }

private:
    static void plane_bits(const std::uint8_t* bytes, std::size_t count, int plane, std::uint64_t* words) {
        for (std::size_t i = 0; i < count; i += 64) {
            const std::size_t left = std::min<std::size_t>(count - i, 64);
#if defined(BNN_AVX512)
            const __mmask64 used = left == 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
            const __m512i values = _mm512_maskz_loadu_epi8(used, bytes + i);
            words[i / 64] = _mm512_test_epi8_mask(values, _mm512_set1_epi8(static_cast<char>(1 << plane)));
#else
            std::uint8_t flags[64];
            for (std::size_t b = 0; b < left; ++b) flags[b] = bytes[i + b] >> plane & 1;
            pack_flags(flags, left, words + i / 64);
#endif
        }
    }
};

struct ByteGroups {
    using Tiles = ByteTiles;
    static constexpr std::size_t kInputs = ByteStep::kInputs;
    static constexpr std::size_t planes = 1;
    static constexpr bool is_signed = false;
    Storage input;

    std::size_t groups(std::size_t inputs) const { return (inputs + kInputs - 1) / kInputs; }

    void neuron(const Layer& layer, std::size_t n, std::uint32_t* groups) const {
        for (std::size_t i = 0; i < layer.inputs; ++i) put(groups, i, layer.weights[n * layer.inputs + i]);
    }

    // Bits enter as 0 and 1 instead of -1 and 1, and signed bytes raised by offset().
    std::int64_t scale() const { return input == Storage::bits ? 2 : 1; }

    std::int64_t bias(const Layer& layer, std::size_t n) const {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < layer.inputs; ++i) sum += layer.weights[n * layer.inputs + i];
        return -(input == Storage::bits ? 1 : offset()) * sum;
    }

    bool in_place(const Tensor&) const { return false; }

    void row(const Tensor& tensor, const void* row, std::uint32_t* encoded, void*) const {
        const std::size_t count = groups(tensor.channels);
        encoded[count - 1] = 0;
        if (tensor.storage == Storage::uint8) return copy(static_cast<const std::uint8_t*>(row), tensor.channels, encoded);
        if (tensor.storage == Storage::int8) return copy(static_cast<const std::int8_t*>(row), tensor.channels, encoded);
        const std::uint8_t* bits = static_cast<const std::uint8_t*>(row);
        for (std::size_t i = 0; i < tensor.channels; ++i) put(encoded, i, bits[i / 8] >> (i % 8) & 1);
    }

private:
    // Four inputs a group are unsigned bytes.
    std::int64_t offset() const { return kInputs == 4 && input == Storage::int8 ? 128 : 0; }

    template <class T>
    void copy(const T* from, std::size_t count, std::uint32_t* groups) const {
        const int raise = static_cast<int>(offset());
        if (kInputs == 4) {
            std::uint8_t* to = reinterpret_cast<std::uint8_t*>(groups);
            for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>(from[i] + raise);
        } else {
            std::int16_t* to = reinterpret_cast<std::int16_t*>(groups);
            for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
        }
    }

    static void put(std::uint32_t* groups, std::size_t index, std::int64_t value) {
        if (kInputs == 4) {
            reinterpret_cast<std::uint8_t*>(groups)[index] = static_cast<std::uint8_t>(value);
        } else {
            reinterpret_cast<std::int16_t*>(groups)[index] = static_cast<std::int16_t>(value);
        }
    }
};

template <class Source>
class TiledMatrixVector : public Kernel {
    using Tiles = typename Source::Tiles;

public:
    TiledMatrixVector(const Unit& unit, const Layer& layer, Source source)
        : source_(source), in_(unit.input()), out_(unit.output()), levels_(layer.levels) {
        encoded_ = Tiles::encoded_groups(source_.groups(in_.channels));
        row_groups_ = source_.in_place(in_) ? in_.stride() / 4 : source_.planes * encoded_;
        vectors_ = rounded_up((out_.channels + kLanes - 1) / kLanes, kVectorUnit);
        panel_rows_ = std::clamp<std::size_t>(kPanelBytes / (4 * row_groups_) / Tiles::kRows * Tiles::kRows,
                                              4 * Tiles::kRows, 128);
        pack_weights(layer);
        pack_outputs(layer);
    }

    std::size_t scratch(std::size_t) const override { return panel_bytes() + rounded_up(in_.channels, 64) / 8; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        const char* from = static_cast<const char*>(in[0]);
        char* to = static_cast<char*>(out[0]);
        const std::size_t rows = frames * in_.positions;
        std::uint32_t* panel = static_cast<std::uint32_t*>(scratch);
        void* rest = static_cast<char*>(scratch) + panel_bytes();
        for (std::size_t row = 0; row < rows; row += panel_rows_) {
            const std::size_t count = std::min(panel_rows_, rows - row);
            const char* first = from + row * in_.stride();
            if (source_.in_place(in_)) {
                run_panel(reinterpret_cast<const std::uint32_t*>(first), count, to + row * out_.stride());
                continue;
            }
            for (std::size_t r = 0; r < count; ++r) {
                source_.row(in_, first + r * in_.stride(), panel + r * row_groups_, rest);
            }
            run_panel(panel, count, to + row * out_.stride());
        }
    }

private:
    std::size_t panel_bytes() const { return rounded_up(4 * row_groups_ * panel_rows_, kAlignment); }

    void run_panel(const std::uint32_t* rows, std::size_t count, char* out) const {
        for (std::size_t vector = 0; vector < vectors_;) {
            const std::size_t left = vectors_ - vector;
            if (Tiles::kVectors >= 4 && left >= 4) {
                vector += run_vectors<4>(rows, count, vector, out);
            } else if (Tiles::kVectors >= 2 && left >= 2) {
                vector += run_vectors<2>(rows, count, vector, out);
            } else {
                vector += run_vectors<1>(rows, count, vector, out);
            }
        }
    }

    template <std::size_t Vectors>
    std::size_t run_vectors(const std::uint32_t* rows, std::size_t count, std::size_t vector, char* out) const {
        if constexpr (Vectors <= Tiles::kVectors && Vectors % kVectorUnit == 0) {
            std::size_t row = 0;
            for (; row + Tiles::kRows <= count; row += Tiles::kRows) {
                run_tile<Tiles::kRows, Vectors>(rows + row * row_groups_, vector, out + row * out_.stride());
            }
            for (; row < count; ++row) run_tile<1, Vectors>(rows + row * row_groups_, vector, out + row * out_.stride());
        }
        return Vectors;
    }

    template <std::size_t Rows, std::size_t Vectors>
    void run_tile(const std::uint32_t* rows, std::size_t vector, char* out) const {
        const std::uint32_t* weights = weights_.data() + vector * encoded_ * kLanes;
        Sums<Rows, Vectors> sums;
        Tiles::template tile<Rows, Vectors>(rows, row_groups_, weights, encoded_, sums);
        for (std::size_t plane = 1; plane < source_.planes; ++plane) {
            Sums<Rows, Vectors> more;
            Tiles::template tile<Rows, Vectors>(rows + plane * encoded_, row_groups_, weights, encoded_, more);
            const bool negative = source_.is_signed && plane + 1 == source_.planes;
            for (std::size_t r = 0; r < Rows; ++r) {
                for (std::size_t v = 0; v < Vectors; ++v) {
                    const Lanes weighted = more.at[r][v] << static_cast<int>(plane);
                    sums.at[r][v] += negative ? -weighted : weighted;
                }
            }
        }
        for (std::size_t r = 0; r < Rows; ++r) {
            char* row = out + r * out_.stride();
            if (out_.storage == Storage::bits) {
                put_bits<Vectors>(sums.at[r], vector, row);
            } else {
                for (std::size_t v = 0; v < Vectors; ++v) put_integers(sums.at[r][v], vector + v, row);
            }
        }
    }

    template <std::size_t Vectors>
    void put_bits(const Lanes (&sums)[Vectors], std::size_t vector, char* row) const {
        if constexpr (kLanes >= 8) {
            for (std::size_t v = 0; v < Vectors; ++v) {
                const unsigned bits = at_least(sums[v], load(outputs_.data() + (vector + v) * kLanes));
                std::memcpy(row + (vector + v) * kLanes / 8, &bits, kLanes / 8);
            }
        } else {
            for (std::size_t v = 0; v < Vectors; v += kVectorUnit) {
                unsigned bits = 0;
                for (std::size_t part = 0; part < kVectorUnit; ++part) {
                    const Lanes limits = load(outputs_.data() + (vector + v + part) * kLanes);
                    bits |= at_least(sums[v + part], limits) << part * kLanes;
                }
                row[(vector + v) * kLanes / 8] = static_cast<char>(bits);
            }
        }
    }

    void put_integers(Lanes sums, std::size_t vector, char* row) const {
        Lanes values;
        if (levels_ == 0) {
            values = sums * static_cast<std::int32_t>(source_.scale()) + load(outputs_.data() + vector * kLanes);
        } else {
            values = all(static_cast<std::int32_t>(out_.lo));
            const std::int32_t* limits = outputs_.data() + vector * levels_ * kLanes;
            for (std::size_t level = 0; level < levels_; ++level) values -= sums >= load(limits + level * kLanes);
        }
        const std::size_t first = vector * kLanes;
        const std::size_t count = first < out_.channels ? std::min(kLanes, out_.channels - first) : 0;
        if (out_.storage == Storage::int32) {
            std::memcpy(row + 4 * first, &values, 4 * count);
            return;
        }
#if defined(BNN_AVX512)
        const __mmask16 used = static_cast<__mmask16>((1u << count) - 1);
        _mm512_mask_cvtepi32_storeu_epi8(row + first, used, (__m512i)values);
#else
        for (std::size_t i = 0; i < count; ++i) row[first + i] = static_cast<char>(values[i]);
#endif
    }

    // Tiles follow each other; within one, groups, then vectors, then lanes.
    void pack_weights(const Layer& layer) {
        const std::size_t groups = source_.groups(in_.channels);
        weights_.assign(vectors_ * encoded_ * kLanes, 0);
        std::vector<std::uint32_t> plain(groups), encoded(encoded_);
        for (std::size_t n = 0; n < layer.neurons; ++n) {
            std::fill(plain.begin(), plain.end(), 0);
            source_.neuron(layer, n, plain.data());
            Tiles::encode(plain.data(), groups, encoded.data());
            std::size_t tile = 0, width = 0;
            find_tile(n / kLanes, tile, width);
            std::uint32_t* to = weights_.data() + tile * encoded_ * kLanes + (n / kLanes - tile) * kLanes + n % kLanes;
            for (std::size_t group = 0; group < encoded_; ++group) to[group * width * kLanes] = encoded[group];
        }
    }

    // The first vector of the tile that `vector` is in, and how many vectors it has; as run_panel cuts them.
    void find_tile(std::size_t vector, std::size_t& tile, std::size_t& width) const {
        for (tile = 0;; tile += width) {
            const std::size_t left = vectors_ - tile;
            width = Tiles::kVectors >= 4 && left >= 4 ? 4 : Tiles::kVectors >= 2 && left >= 2 ? 2 : 1;
            if (vector < tile + width) return;
        }
    }

    // Vector by vector: with levels, the thresholds of each level for the sums; else what to add to the scaled sums.
    void pack_outputs(const Layer& layer) {
        const std::size_t rows = std::max<std::size_t>(layer.levels, 1);
        // Sums never reach the limit of a neuron that fills up a vector, so that its bit is 0.
        outputs_.assign(vectors_ * rows * kLanes, INT32_MAX);
        for (std::size_t n = 0; n < layer.neurons; ++n) {
            const std::int64_t bias = source_.bias(layer, n);
            std::int32_t* to = outputs_.data() + n / kLanes * rows * kLanes + n % kLanes;
            if (layer.levels == 0) *to = static_cast<std::int32_t>(bias);
            for (std::size_t level = 0; level < layer.levels; ++level) {
                const std::int64_t distance = layer.thresholds[n * layer.levels + level] - bias;
                const std::int64_t limit = source_.scale() == 2 ? ceiling_half(distance) : distance;
                to[level * kLanes] = static_cast<std::int32_t>(std::clamp<std::int64_t>(limit, INT32_MIN, INT32_MAX));
            }
        }
    }

    Source source_;
    Tensor in_, out_;
    std::size_t levels_;
    std::size_t encoded_;     // groups of one plane of a row, and of a neuron
    std::size_t row_groups_;  // groups from one row of a panel to the next
    std::size_t vectors_;
    std::size_t panel_rows_;
    Aligned<std::uint32_t> weights_;
    Aligned<std::int32_t> outputs_;
};

class WideMatrixVector : public Kernel {
public:
    WideMatrixVector(const Unit& unit, Layer layer)
        : in_(unit.input()), out_(unit.output()), layer_(std::move(layer)) {}

    std::size_t scratch(std::size_t) const override { return 8 * (in_.channels + out_.channels); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* inputs = static_cast<std::int64_t*>(scratch);
        std::int64_t* results = inputs + in_.channels;
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), inputs);
            for (std::size_t n = 0; n < layer_.neurons; ++n) results[n] = neuron(n, inputs);
            write_row(out_, results, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    std::int64_t neuron(std::size_t n, const std::int64_t* inputs) const {
        const std::int64_t* weights = layer_.weights.data() + n * layer_.inputs;
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < layer_.inputs; ++i) sum += weights[i] * inputs[i];
        if (layer_.levels == 0) return sum;
        std::int64_t count = 0;
        for (std::size_t level = 0; level < layer_.levels; ++level) {
            count += sum >= layer_.thresholds[n * layer_.levels + level];
        }
        return out_.storage == Storage::bits ? 2 * count - 1 : out_.lo + count;
    }

    Tensor in_, out_;
    Layer layer_;
};

// Bits of an interval, of two's complement where it has negative values; then at least 2, for a sign plane stands
// behind another.
int bits_of(std::int64_t lo, std::int64_t hi) {
    int bits = lo < 0 ? 1 : 0;
    for (std::int64_t rest = std::max(hi, -lo - 1); rest > 0; rest >>= 1) ++bits;
    return std::max(bits, lo < 0 ? 2 : 1);
}

std::unique_ptr<Kernel> make_matrix_vector(const Unit& unit) {
    Layer layer(unit);
    const Tensor& in = unit.input();
    const Storage out = unit.output().storage;
    const bool narrow = in.storage == Storage::bits || in.is_byte();
    if (!narrow || out == Storage::int64 || (out == Storage::bits && layer.levels != 1) ||
        layer.bound(256) > INT32_MAX / 2) {
        return std::make_unique<WideMatrixVector>(unit, std::move(layer));
    }
    const int bits = bits_of(in.lo, in.hi);
    if (layer.bipolar && in.storage == Storage::bits) {
        return std::make_unique<TiledMatrixVector<BitGroups>>(unit, layer, BitGroups{1, false, true});
    }
    if (layer.bipolar && bits <= kMostPlanes) {
        const BitGroups planes{static_cast<std::size_t>(bits), in.lo < 0, false};
        return std::make_unique<TiledMatrixVector<BitGroups>>(unit, layer, planes);
    }
    if (layer.smallest >= -128 && layer.highest <= 127) {
        return std::make_unique<TiledMatrixVector<ByteGroups>>(unit, layer, ByteGroups{in.storage});
    }
    return std::make_unique<WideMatrixVector>(unit, std::move(layer));
}

const Registration registration("matrix_vector", make_matrix_vector);

}  // namespace
}  // namespace bnn
