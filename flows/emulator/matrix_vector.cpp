// SPDX-License-Identifier: Apache-2.0
// Matrix-vector: dot products of every row with all neurons, thresholds merged or raw sums.
//
// values: weights (neurons x inputs), levels, and with levels > 0: thresholds (neurons x levels), decreasing (neurons).
//
// Three ways, by what the integers are:
//   bits     bipolar weights on inputs of one bit, or of few bits plane by plane: by tiles where the processor counts the
//            ones of whole vectors, else by slices (sliced_matrix_vector.cpp);
//   bytes    weights and inputs of up to 8 bits: tiles of byte products;
//   wide     anything else, one product after the other in 64 bits.
// Each sums something of which the dot product is scale * sum + bias of the neuron, with scale > 0, so that thresholds
// can be rewritten for the sum itself.
#include "dot_tiles.h"
#include "layer.h"

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

#if defined(BNN_AVX512)
// How rows become groups, and neurons likewise.
struct BitGroups : BitSums {
    using Tiles = BitTiles;

    explicit BitGroups(const BitSums& sums) : BitSums(sums) {}

    std::size_t groups(std::size_t inputs) const { return (inputs + 31) / 32; }

    void neuron(const Layer& layer, std::size_t n, std::uint32_t* groups) const {
        for (std::size_t i = 0; i < layer.inputs; ++i) {
            groups[i / 32] |= static_cast<std::uint32_t>(layer.weights[n * layer.inputs + i] < 0) << (i % 32);
        }
    }

    bool in_place(const Tensor& tensor) const { return tensor.storage == Storage::bits; }

    // `scratch` has room for one plane.
    void row(const Tensor& tensor, const void* row, std::uint32_t* to, void* scratch) const {
        const std::size_t count = groups(tensor.channels);
        std::uint64_t* words = static_cast<std::uint64_t*>(scratch);
        for (std::size_t plane = 0; plane < planes; ++plane) {
            plane_bits(static_cast<const std::uint8_t*>(row), tensor.channels, plane, words);
            std::memcpy(to + plane * count, words, 4 * count);
        }
    }
};
#endif

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

    void row(const Tensor& tensor, const void* row, std::uint32_t* to, void*) const {
        const std::size_t count = groups(tensor.channels);
        to[count - 1] = 0;
        if (tensor.storage == Storage::uint8) return copy(static_cast<const std::uint8_t*>(row), tensor.channels, to);
        if (tensor.storage == Storage::int8) return copy(static_cast<const std::int8_t*>(row), tensor.channels, to);
        const std::uint8_t* bits = static_cast<const std::uint8_t*>(row);
        for (std::size_t i = 0; i < tensor.channels; ++i) put(to, i, bits[i / 8] >> (i % 8) & 1);
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
        groups_ = source_.groups(in_.channels);
        row_groups_ = source_.in_place(in_) ? in_.stride() / 4 : source_.planes * groups_;
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
        const std::uint32_t* weights = weights_.data() + vector * groups_ * kLanes;
        Sums<Rows, Vectors> sums;
        Tiles::template tile<Rows, Vectors>(rows, row_groups_, weights, groups_, sums);
        for (std::size_t plane = 1; plane < source_.planes; ++plane) {
            Sums<Rows, Vectors> more;
            Tiles::template tile<Rows, Vectors>(rows + plane * groups_, row_groups_, weights, groups_, more);
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
        weights_.assign(vectors_ * groups_ * kLanes, 0);
        std::vector<std::uint32_t> plain(groups_);
        for (std::size_t n = 0; n < layer.neurons; ++n) {
            std::fill(plain.begin(), plain.end(), 0);
            source_.neuron(layer, n, plain.data());
                        std::size_t tile = 0, width = 0;
            find_tile(n / kLanes, tile, width);
            std::uint32_t* to = weights_.data() + tile * groups_ * kLanes + (n / kLanes - tile) * kLanes + n % kLanes;
            for (std::size_t group = 0; group < groups_; ++group) to[group * width * kLanes] = plain[group];
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
    std::size_t groups_;      // of one plane of a row, and of a neuron
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

std::unique_ptr<Kernel> make_bit_matrix_vector(const Unit& unit, const Layer& layer, const BitSums& sums) {
#if defined(BNN_AVX512)
    return std::make_unique<TiledMatrixVector<BitGroups>>(unit, layer, BitGroups(sums));
#else
    return make_sliced_matrix_vector(unit, layer, sums);
#endif
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
    if (layer.bipolar && in.storage == Storage::bits) return make_bit_matrix_vector(unit, layer, {1, false, true});
    if (layer.bipolar && bits <= kMostPlanes) {
        return make_bit_matrix_vector(unit, layer, {static_cast<std::size_t>(bits), in.lo < 0, false});
    }
    if (layer.smallest >= -128 && layer.highest <= 127) {
        return std::make_unique<TiledMatrixVector<ByteGroups>>(unit, layer, ByteGroups{in.storage});
    }
    return std::make_unique<WideMatrixVector>(unit, std::move(layer));
}

const Registration matrix_vector_registration("matrix_vector", make_matrix_vector);

}  // namespace

void plane_bits(const std::uint8_t* bytes, std::size_t count, std::size_t plane, std::uint64_t* words) {
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

}  // namespace bnn
