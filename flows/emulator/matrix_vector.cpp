// SPDX-License-Identifier: Apache-2.0
// Hot code, compiled with -O3.
//
// Matrix-vector: dot products of every row with all neurons, or what the neurons' thresholds make of them.
//
// values: weights (neurons x inputs), levels, and with levels > 0: thresholds (neurons x levels), decreasing (neurons).
//
// Three ways, depending on the integers:
//   bits     bipolar weights on inputs of one bit, or of few bits plane by plane: by tiles where the processor counts
//            the ones of whole vectors, else by slices (sliced_matrix_vector.cpp);
//   bytes    weights and inputs of up to 8 bits: tiles of byte products;
//   wide     anything else, one product after the other in 64 bits.
// Each computes a sum with dot = scale * sum + bias of the neuron and scale > 0, so that thresholds can be rewritten
// for the sum itself.
#include <cstring>

#include "bit_planes.h"
#include "dot_tiles.h"
#include "row_kernel.h"

namespace bnn {
namespace {

// Inputs of at most this many bits are summed plane by plane, where that takes fewer instructions than byte products.
#if defined(BNN_AVX512)
constexpr int kMostPlanes = 2;
#else
constexpr int kMostPlanes = 4;
#endif

// Vectors are processed in such numbers that their neurons fill whole bytes.
constexpr std::size_t kVectorUnit = kLanes < 8 ? 8 / kLanes : 1;
constexpr std::size_t kPanelRows = 128;

#if defined(BNN_AVX512)
// Bits as they are, or each bit of narrow integers separately.
struct BitSource : BitSums {
    using Tiles = BitTiles;

    explicit BitSource(const BitSums& sums) : BitSums(sums) {}

    Form form(const Tensor& in) const { return bit_form(in, *this); }

    void prepare(const Tensor& in, const char* from, std::size_t count, char* to, std::size_t plane_bytes) const {
        prepare_bits(in, *this, from, count, to, plane_bytes);
    }

    static void put(char* tap, std::size_t channel, std::int64_t weight) {
        tap[channel / 8] = static_cast<char>(tap[channel / 8] | (weight < 0) << (channel % 8));
    }
};
#endif

// Bytes, or bits as bytes, 0 for -1; offset() is added to signed bytes where products need unsigned ones.
struct ByteSource {
    using Tiles = ByteTiles;
    static constexpr std::size_t planes = 1;
    static constexpr bool is_signed = false;
    Storage input;

    using Element = ByteStep::Element;

    Form form(const Tensor& in) const {
        const std::size_t bytes = in.channels * sizeof(Element);
        return {1, bytes, bytes, false};
    }

    std::int64_t scale() const { return input == Storage::bits ? 2 : 1; }

    std::int64_t bias(const Layer& layer, std::size_t n) const {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < layer.inputs; ++i) sum += layer.weights[n * layer.inputs + i];
        return -(input == Storage::bits ? 1 : offset()) * sum;
    }

    void prepare(const Tensor& in, const char* from, std::size_t count, char* to, std::size_t) const {
        Element* elements = reinterpret_cast<Element*>(to);
        const std::size_t all = count * in.channels;
        if (input == Storage::uint8) return copy(reinterpret_cast<const std::uint8_t*>(from), all, elements);
        if (input == Storage::int8) return copy(reinterpret_cast<const std::int8_t*>(from), all, elements);
        for (; count > 0; --count, from += in.stride(), elements += in.channels) {
            for (std::size_t i = 0; i < in.channels; ++i) elements[i] = from[i / 8] >> (i % 8) & 1;
        }
    }

    static void put(char* tap, std::size_t channel, std::int64_t weight) {
        const Element element = static_cast<Element>(weight);
        std::memcpy(tap + channel * sizeof element, &element, sizeof element);
    }

private:
    std::int64_t offset() const { return sizeof(Element) == 1 && input == Storage::int8 ? 128 : 0; }

    template <class T>
    void copy(const T* from, std::size_t count, Element* to) const {
        const int raise = static_cast<int>(offset());
        for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<Element>(from[i] + raise);
    }
};

template <class Source>
class TiledMatrixVector : public RowKernel {
    using Tiles = typename Source::Tiles;

public:
    TiledMatrixVector(const Unit& unit, const Layer& layer, Source source)
        : RowKernel(unit, source.form(RowKernel::source(unit)), kPanelRows), source_(source), levels_(layer.levels),
          vectors_(rounded_up((out_.channels + kLanes - 1) / kLanes, kVectorUnit)) {
        make_segments();
        pack_weights(layer);
        pack_outputs(layer);
    }

protected:
    void prepare(const char* from, std::size_t count, char* to, std::size_t plane_bytes) const override {
        source_.prepare(in_, from, count, to, plane_bytes);
    }

    std::size_t panel_scratch() const override { return 0; }

    void run_panel(const Panel& panel, void*) const override {
        for (std::size_t vector = 0; vector < vectors_; vector += width(vector)) {
            for (std::size_t row = 0; row < panel.count; row += Tiles::kRows) {
                if (width(vector) == kWide) {
                    run_tile<kWide>(panel, row, vector);
                } else {
                    run_tile<kVectorUnit>(panel, row, vector);
                }
            }
        }
    }

private:
    static constexpr std::size_t kWide = 4;  // vectors, so that sums and operands stay in registers

    // The number of vectors of the tile that begins with `vector`.
    std::size_t width(std::size_t vector) const { return vectors_ - vector >= kWide ? kWide : kVectorUnit; }

    template <std::size_t Vectors>
    void run_tile(const Panel& panel, std::size_t row, std::size_t vector) const {
        const std::uint32_t* weights = weights_.data() + vector * groups_ * kLanes;
        const char* const* rows = panel.rows + row;
        constexpr std::size_t Rows = Tiles::kRows;
        Sums<Rows, Vectors> sums;
        Tiles::tile(rows, 0, segments_.data(), segments_.size(), weights, sums);
        for (std::size_t plane = 1; plane < source_.planes; ++plane) {
            Sums<Rows, Vectors> more;
            Tiles::tile(rows, plane * panel.plane_bytes, segments_.data(), segments_.size(), weights, more);
            const bool negative = source_.is_signed && plane + 1 == source_.planes;
            for (std::size_t r = 0; r < Rows; ++r) {
                for (std::size_t v = 0; v < Vectors; ++v) {
                    const Lanes weighted = more.at[r][v] << static_cast<int>(plane);
                    sums.at[r][v] += negative ? -weighted : weighted;
                }
            }
        }
        const std::int32_t* outputs = outputs_.data() + panel.kind * output_count();
        for (std::size_t r = 0; r < Rows; ++r) {
            char* to = panel.results[row + r];
            if (out_.storage == Storage::bits) {
                put_bits<Vectors>(sums.at[r], outputs, vector, to);
            } else {
                for (std::size_t v = 0; v < Vectors; ++v) put_integers(sums.at[r][v], outputs, vector + v, to);
            }
        }
    }

    template <std::size_t Vectors>
    static void put_bits(const Lanes (&sums)[Vectors], const std::int32_t* limits, std::size_t vector, char* row) {
        for (std::size_t v = 0; v < Vectors; v += kVectorUnit) {
            unsigned bits = 0;
            for (std::size_t part = 0; part < kVectorUnit; ++part) {
                bits |= at_least(sums[v + part], load(limits + (vector + v + part) * kLanes)) << part * kLanes;
            }
            std::memcpy(row + (vector + v) * kLanes / 8, &bits, kVectorUnit * kLanes / 8);
        }
    }

    void put_integers(Lanes sums, const std::int32_t* outputs, std::size_t vector, char* row) const {
        Lanes values;
        if (levels_ == 0) {
            values = sums * static_cast<std::int32_t>(source_.scale()) + load(outputs + vector * kLanes);
        } else {
            values = all(static_cast<std::int32_t>(out_.lo));
            const std::int32_t* limits = outputs + vector * levels_ * kLanes;
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

    // Taps that lie side by side without gap are one segment.
    void make_segments() {
        std::size_t bytes = 0;
        for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
            if (tap > 0 && taps_[tap] == taps_[tap - 1] + form_.tap_bytes) {
                bytes += form_.tap_bytes;
            } else {
                groups_ += (bytes + 3) / 4;
                segments_.push_back({taps_[tap], 0});
                bytes = form_.tap_bytes;
            }
            packed_taps_.push_back(4 * groups_ + bytes - form_.tap_bytes);
            segments_.back().groups = (bytes + 3) / 4;
        }
        groups_ += (bytes + 3) / 4;
    }

    // Tiles follow each other; within one, groups, then vectors, then lanes.
    void pack_weights(const Layer& layer) {
        weights_.assign(vectors_ * groups_ * kLanes, 0);
        std::vector<std::uint32_t> plain(groups_);
        for (std::size_t n = 0; n < layer.neurons; ++n) {
            std::fill(plain.begin(), plain.end(), 0);
            const std::int64_t* weights = layer.weights.data() + n * layer.inputs;
            for (std::size_t i = 0; i < layer.inputs; ++i) {
                char* tap = reinterpret_cast<char*>(plain.data()) + packed_taps_[i / in_.channels];
                Source::put(tap, i % in_.channels, weights[i]);
            }
            // Tiles are wide except for the last vectors.
            const std::size_t vector = n / kLanes, whole = vectors_ / kWide * kWide;
            const std::size_t unit = vector < whole ? kWide : kVectorUnit;
            const std::size_t lane = vector % unit * kLanes + n % kLanes;
            std::uint32_t* to = weights_.data() + vector / unit * unit * groups_ * kLanes + lane;
            for (std::size_t group = 0; group < groups_; ++group) to[group * unit * kLanes] = plain[group];
        }
    }

    std::size_t output_count() const { return vectors_ * std::max<std::size_t>(levels_, 1) * kLanes; }

    // For each kind of row, vector by vector: with levels, the thresholds of each level for the sums; else the
    // constants to add to the scaled sums.
    void pack_outputs(const Layer& layer) {
        // No sum reaches the limit of a neuron that only pads a vector, so its bit is 0; nothing is added to its sums.
        outputs_.assign(kinds() * output_count(), levels_ == 0 ? 0 : INT32_MAX);
        for (std::size_t kind = 0; kind < kinds(); ++kind) {
            for (std::size_t n = 0; n < layer.neurons; ++n) {
                const std::int64_t bias = source_.bias(layer, n) + border(layer, n, kind);
                std::int32_t* to = outputs_.data() + kind * output_count() +
                                   n / kLanes * std::max<std::size_t>(levels_, 1) * kLanes + n % kLanes;
                if (levels_ == 0) *to = static_cast<std::int32_t>(bias);
                for (std::size_t level = 0; level < levels_; ++level) {
                    const std::int64_t distance = layer.thresholds[n * levels_ + level] - bias;
                    const std::int64_t exact = source_.scale() == 2 ? ceiling_half(distance) : distance;
                    const std::int64_t limit = std::clamp<std::int64_t>(exact, INT32_MIN, INT32_MAX);
                    to[level * kLanes] = static_cast<std::int32_t>(limit);
                }
            }
        }
    }

    Source source_;
    std::size_t levels_;
    std::size_t vectors_;
    std::size_t groups_ = 0;  // of one neuron's weights
    std::vector<Segment> segments_;
    std::vector<std::size_t> packed_taps_;  // for each tap, where its weights begin within a neuron's
    Aligned<std::uint32_t> weights_;
    Aligned<std::int32_t> outputs_;
};

class WideMatrixVector : public Kernel {
public:
    WideMatrixVector(const Unit& unit, Layer layer)
        : Kernel(unit), in_(unit.input()), out_(unit.output()), layer_(std::move(layer)) {}

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

// Bits of an interval, in two's complement where it has negative values; then at least 2, as a sign plane follows
// another plane.
int bits_of(std::int64_t lo, std::int64_t hi) {
    int bits = lo < 0 ? 1 : 0;
    for (std::int64_t rest = std::max(hi, -lo - 1); rest > 0; rest >>= 1) ++bits;
    return std::max(bits, lo < 0 ? 2 : 1);
}

std::unique_ptr<Kernel> make_bit_matrix_vector(const Unit& unit, const Layer& layer, const BitSums& sums) {
#if defined(BNN_AVX512)
    return std::make_unique<TiledMatrixVector<BitSource>>(unit, layer, BitSource(sums));
#else
    return make_sliced_matrix_vector(unit, layer, sums);
#endif
}

std::unique_ptr<Kernel> make_matrix_vector(const Unit& unit) {
    Layer layer(unit);
    const Tensor& in = RowKernel::source(unit);
    const Storage out = unit.output().storage;
    const bool narrow = in.storage == Storage::bits || in.is_byte();
    if (!narrow || out == Storage::int64 || (out == Storage::bits && layer.levels != 1) ||
        layer.bound(256) > INT32_MAX / 2) {
        return std::make_unique<WideMatrixVector>(unit, std::move(layer));
    }
    // Elements outside the image count as well.
    const int bits = bits_of(unit.input().lo, unit.input().hi);
    if (layer.bipolar && in.storage == Storage::bits) return make_bit_matrix_vector(unit, layer, {1, false, true});
    if (layer.bipolar && bits <= kMostPlanes) {
        return make_bit_matrix_vector(unit, layer, {static_cast<std::size_t>(bits), unit.input().lo < 0, false});
    }
    if (layer.smallest >= -128 && layer.highest <= 127) {
        return std::make_unique<TiledMatrixVector<ByteSource>>(unit, layer, ByteSource{in.storage});
    }
    return std::make_unique<WideMatrixVector>(unit, std::move(layer));
}

const Registration matrix_vector_registration("matrix_vector", make_matrix_vector);

}  // namespace
}  // namespace bnn
