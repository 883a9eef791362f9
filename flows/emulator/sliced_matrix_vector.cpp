// SPDX-License-Identifier: Apache-2.0
// Hot code, compiled with -O3.
//
// Dot products of bits for many rows at once, where the processor cannot count the ones of whole vectors.
//
// Rows lie in slices (slices.h), so a neuron's sum over its inputs is computed by full adders: two slices of equal
// weight and a running sum give the next running sum and a carry of twice the weight. No neuron's weight is ever loaded
// as such: inputs enter two at a time, and the carry of
//
//   (parity of all inputs before, x1 ^ m1, x2 ^ m2)
//
// depends on the neuron by three bits alone: the parity of its own m before, m1 and m2. So all eight are computed once
// for all neurons (the table), and a neuron picks its own. Parities need no adder: the sum's lowest bit is the parity
// of all inputs and all m together.
#include "path.h"

#if !defined(BNN_AVX512)

#include <cstring>

#include "bit_planes.h"
#include "slices.h"

namespace bnn {
namespace {

constexpr std::size_t kBlockPairs = 64;  // so that their table stays in the first-level cache
constexpr std::size_t kGroup = 32;       // neurons that use it there together

static_assert(7 * kSliceBytes < 256, "the place of one of eight slices is kept in a byte");

// The slice at a pick, which is in bytes so that no address has to be computed.
inline Slice at(const Slice* table, std::uint8_t pick) {
    return *reinterpret_cast<const Slice*>(reinterpret_cast<const char*>(table) + pick);
}

// Counts the carries of 1 << Levels pairs: in counters[i], of weight 2 << i, for i < Levels; the result is their carry.
template <int Levels>
struct Counter {
    static inline __attribute__((always_inline)) Slice run(Slice* counters, const Slice* table,
                                                           const std::uint8_t* picks) {
        const Slice a = Counter<Levels - 1>::run(counters, table, picks);
        const Slice b = Counter<Levels - 1>::run(counters, table + (8u << (Levels - 1)), picks + (1u << (Levels - 1)));
        return add_bits(counters[Levels - 1], a, b);
    }
};

template <>
struct Counter<0> {
    static inline __attribute__((always_inline)) Slice run(Slice*, const Slice* table, const std::uint8_t* picks) {
        return at(table, *picks);
    }
};

// Adds a carry to the counters from `level` on.
inline void ripple(Slice* counters, std::size_t level, std::size_t count, Slice carry) {
    for (; level < count; ++level) {
        const Slice sum = counters[level];
        counters[level] = sum ^ carry;
        carry &= sum;
    }
}

template <int Levels>
inline void count_run(Slice* counters, std::size_t count, const Slice* table, const std::uint8_t* picks) {
    Slice low[Levels + 1];
    for (int level = 0; level < Levels; ++level) low[level] = counters[level];
    const Slice carry = Counter<Levels>::run(low, table, picks);
    for (int level = 0; level < Levels; ++level) counters[level] = low[level];
    ripple(counters, Levels, count, carry);
}

__attribute__((noinline)) void count_pairs(Slice* counters, std::size_t count, const Slice* table,
                                           const std::uint8_t* picks, std::size_t pairs) {
    const auto advance = [&](std::size_t done) {
        pairs -= done;
        table += 8 * done;
        picks += done;
    };
    for (; pairs >= 64; advance(64)) count_run<6>(counters, count, table, picks);
    for (; pairs >= 32; advance(32)) count_run<5>(counters, count, table, picks);
    for (; pairs >= 8; advance(8)) count_run<3>(counters, count, table, picks);
    for (; pairs > 0; advance(1)) ripple(counters, 0, count, at(table, *picks));
}

std::size_t bits_for(std::uint64_t value) {
    std::size_t bits = 0;
    for (; value > 0; value >>= 1) ++bits;
    return bits;
}

class SlicedMatrixVector : public RowKernel {
public:
    SlicedMatrixVector(const Unit& unit, const Layer& layer, BitSums sums)
        : RowKernel(unit, bit_form(source(unit), sums), kSliceRows), sums_(sums), levels_(layer.levels) {
        words_ = (in_.channels + 63) / 64;
        pairs_ = (layer.inputs + 1) / 2;
        for (std::size_t i = 0; i < 2 * pairs_; ++i) {
            // An odd number of inputs is followed by a bit that is 0.
            const std::size_t tap = std::min(i / in_.channels, taps_.size() - 1);
            input_slices_.push_back(static_cast<std::uint32_t>(64 * words_ * tap + i - tap * in_.channels));
        }
        // At least as many counters as the longest run of adders needs.
        count_bits_ = std::max<std::size_t>(bits_for(layer.inputs), 7 + 1);
        width_ = out_.storage == Storage::bits ? 1 : out_.storage == Storage::int32 ? 32 : 8;
        sum_bits_ = sums_.planes == 1 ? count_bits_ : count_bits_ + sums_.planes + 1;
        picks_.resize(layer.neurons * pairs_);
        for (std::size_t n = 0; n < layer.neurons; ++n) {
            unsigned parity = 0;
            for (std::size_t pair = 0; pair < pairs_; ++pair) {
                const unsigned first = negative(layer, n, 2 * pair), second = negative(layer, n, 2 * pair + 1);
                const std::size_t start = n / kGroup * kGroup, block = pair / kBlockPairs * kBlockPairs;
                picks_[pick(start, n - start, block) + pair - block] =
                    static_cast<std::uint8_t>(kSliceBytes * (4 * parity + 2 * first + second));
                parity ^= first ^ second;
            }
            parities_.push_back(parity ? ~std::uint64_t{0} : 0);
        }
        for (std::size_t kind = 0; kind < kinds(); ++kind) {
            for (std::size_t n = 0; n < layer.neurons; ++n) {
                const std::int64_t bias = sums_.bias(layer, n) + border(layer, n, kind);
                biases_.push_back(bias);
                for (std::size_t level = 0; level < levels_; ++level) {
                    const std::int64_t distance = layer.thresholds[n * levels_ + level] - bias;
                    limits_.push_back(offset() + (sums_.scale() == 2 ? ceiling_half(distance) : distance));
                }
            }
        }
    }

protected:
    void prepare(const char* from, std::size_t count, char* to, std::size_t plane_bytes) const override {
        prepare_bits(in_, sums_, from, count, to, plane_bytes);
    }

    std::size_t panel_scratch() const override {
        return kSliceBytes * (inputs_slices() + table_slices() + kGroup * (count_bits_ + sum_bits_) + 64);
    }

    void run_panel(const Panel& panel, void* scratch) const override {
        Work work;
        work.inputs = static_cast<Slice*>(scratch);
        work.table = work.inputs + inputs_slices();
        work.counters = work.table + table_slices();
        work.sums = work.counters + kGroup * count_bits_;
        work.results = work.sums + kGroup * sum_bits_;
        load(panel, work);
        for (std::size_t plane = 0; plane < sums_.planes; ++plane) make_table(plane, work);
        run_neurons(panel, work);
    }

private:
    struct Work {
        Slice* inputs;    // plane by plane, tap by tap, one slice per input
        Slice* table;     // plane by plane, eight slices per pair; behind them the parity of all inputs
        Slice* counters;  // of a group of neurons
        Slice* sums;      // of a group, where they have several planes
        Slice* results;   // of neurons that share a word of the output
    };

    static unsigned negative(const Layer& layer, std::size_t n, std::size_t input) {
        return input < layer.inputs && layer.weights[n * layer.inputs + input] < 0;
    }

    // Where the picks of a group's neuron for a block of pairs begin; they are in the order of their use.
    std::size_t pick(std::size_t group, std::size_t neuron, std::size_t block) const {
        const std::size_t neurons = std::min(kGroup, out_.channels - group);
        return group * pairs_ + block * neurons + neuron * std::min(kBlockPairs, pairs_ - block);
    }

    std::size_t plane_slices() const { return taps_.size() * words_ * 64; }
    std::size_t inputs_slices() const { return sums_.planes * plane_slices(); }
    std::size_t table_slices() const { return sums_.planes * plane_table(); }
    std::size_t plane_table() const { return 8 * pairs_ + 1; }
    // Sums of signed planes are kept in two's complement and compared with its sign bit flipped.
    std::int64_t offset() const { return sums_.is_signed ? std::int64_t{1} << (sum_bits_ - 1) : 0; }

    void load(const Panel& panel, const Work& work) const {
        Slice* slices = work.inputs;
        for (std::size_t plane = 0; plane < sums_.planes; ++plane) {
            for (const std::size_t tap : taps_) {
                for (std::size_t word = 0; word < words_; ++word, slices += 64) {
                    load_word(panel, plane * panel.plane_bytes + tap + 8 * word, slices);
                }
            }
        }
    }

    static void load_word(const Panel& panel, std::size_t offset, Slice* slices) {
        std::uint64_t* target = reinterpret_cast<std::uint64_t*>(slices);
        if (panel.count < kSliceRows) std::memset(static_cast<void*>(slices), 0, 64 * kSliceBytes);
        for (std::size_t row = 0; row < panel.count; ++row) {
            std::memcpy(target + row % 64 * kSliceWords + row / 64, panel.rows[row] + offset, 8);
        }
        transpose(slices);
    }

    void make_table(std::size_t plane, const Work& work) const {
        const Slice* inputs = work.inputs + plane * plane_slices();
        Slice* table = work.table + plane * plane_table();
        Slice parity = {};
        for (std::size_t pair = 0; pair < pairs_; ++pair, table += 8) {
            const Slice x1 = inputs[input_slices_[2 * pair]], x2 = inputs[input_slices_[2 * pair + 1]];
            // The carry of (p, a, b) is p ^ ((p ^ a) & (p ^ b)); with all three inverted, it is inverted.
            const Slice a = parity ^ x1, b = parity ^ x2;
            table[0] = parity ^ (a & b);
            table[1] = parity ^ (a & ~b);
            table[2] = parity ^ (~a & b);
            table[3] = parity ^ (~a & ~b);
            for (std::size_t i = 0; i < 4; ++i) table[4 + i] = ~table[3 - i];
            parity ^= x1 ^ x2;
        }
        *table = parity;
    }

    void run_neurons(const Panel& panel, const Work& work) const {
        for (std::size_t first = 0; first < out_.channels; first += kGroup) {
            const std::size_t count = std::min(kGroup, out_.channels - first);
            for (std::size_t plane = 0; plane < sums_.planes; ++plane) {
                count_group(first, count, plane, work);
                if (sums_.planes > 1) add_plane(count, plane, work);
            }
            for (std::size_t n = 0; n < count; ++n) {
                // With one plane, the counts are the sums.
                finish(first + n, sums_.planes > 1 ? work.sums + n * sum_bits_ : work.counters + n * count_bits_, panel,
                       work);
            }
        }
    }

    void count_group(std::size_t first, std::size_t count, std::size_t plane, const Work& work) const {
        const Slice* table = work.table + plane * plane_table();
        std::memset(static_cast<void*>(work.counters), 0, kSliceBytes * count * count_bits_);
        for (std::size_t pair = 0; pair < pairs_; pair += kBlockPairs) {
            const std::size_t pairs = std::min(kBlockPairs, pairs_ - pair);
            for (std::size_t n = 0; n < count; ++n) {
                // The lowest bit is a parity, the counters are the bits above.
                count_pairs(work.counters + n * count_bits_ + 1, count_bits_ - 1, table + 8 * pair,
                            picks_.data() + pick(first, n, pair), pairs);
            }
        }
        const Slice parity = table[8 * pairs_];
        for (std::size_t n = 0; n < count; ++n) work.counters[n * count_bits_] = parity ^ parities_[first + n];
    }

    // Adds the counts of a group, shifted by their plane, or subtracts those of a sign plane: the sum of the inverse
    // and 1.
    void add_plane(std::size_t count, std::size_t plane, const Work& work) const {
        const bool subtract = sums_.is_signed && plane + 1 == sums_.planes;
        const Slice flip = Slice{} + (subtract ? ~std::uint64_t{0} : 0);
        for (std::size_t n = 0; n < count; ++n) {
            const Slice* counts = work.counters + n * count_bits_;
            Slice* sum = work.sums + n * sum_bits_;
            if (plane == 0) std::memset(static_cast<void*>(sum), 0, kSliceBytes * sum_bits_);
            Slice carry = flip;
            for (std::size_t bit = plane; bit < sum_bits_; ++bit) {
                const Slice addend = bit - plane < count_bits_ ? counts[bit - plane] : Slice{};
                carry = add_bits(sum[bit], addend ^ flip, carry);
            }
        }
    }

    // Puts a neuron's result, from the bits of its sum, behind those of the neurons that share its word of the output.
    void finish(std::size_t neuron, Slice* sum, const Panel& panel, const Work& work) const {
        const std::size_t row = panel.kind * out_.channels + neuron;
        const std::size_t place = neuron % (64 / width_) * width_;
        Slice* result = work.results + place;
        if (levels_ == 0) {
            put_integer(sum, sum_bits_, sums_.is_signed, sums_.scale() == 2 ? 1 : 0, biases_[row], result);
        } else {
            if (sums_.is_signed) sum[sum_bits_ - 1] = ~sum[sum_bits_ - 1];
            if (out_.storage == Storage::bits) {
                *result = reaches(sum, limits_[row]);
            } else {
                Slice reached[64] = {};
                const std::size_t bits = bits_for(levels_);
                for (std::size_t level = 0; level < levels_; ++level) {
                    ripple(reached, 0, bits, reaches(sum, limits_[row * levels_ + level]));
                }
                put_integer(reached, bits, false, 0, out_.lo, result);
            }
        }
        if (place + width_ == 64 || neuron + 1 == out_.channels) store(neuron, panel, work.results);
    }

    // The number in `bits` slices, doubled where `shift` is 1, plus a constant, in as many slices as an output element
    // has bits.
    void put_integer(const Slice* number, std::size_t bits, bool is_signed, std::size_t shift, std::int64_t constant,
                     Slice* result) const {
        Slice carry = {};
        for (std::size_t bit = 0; bit < width_; ++bit) {
            Slice sum = {};
            if (bit >= shift) {
                if (bit - shift < bits) {
                    sum = number[bit - shift];
                } else if (is_signed) {
                    sum = number[bits - 1];
                }
            }
            const Slice addend = Slice{} - (static_cast<std::uint64_t>(constant) >> bit & 1);
            carry = add_bits(sum, addend, carry);
            result[bit] = sum;
        }
    }

    // The rows whose sum is at least `limit`, compared bit by bit from the lowest: where sum and limit differ, the
    // sum's bit decides, and higher bits overrule lower ones.
    Slice reaches(const Slice* sum, std::int64_t limit) const {
        if (limit <= 0) return ~Slice{};
        if (limit >> sum_bits_ != 0) return Slice{};
        Slice result = ~Slice{};
        for (std::size_t bit = 0; bit < sum_bits_; ++bit) {
            const Slice zero = Slice{} + ((static_cast<std::uint64_t>(limit) >> bit & 1) - 1);
            result = (sum[bit] & result) | (zero & (sum[bit] | result));
        }
        return result;
    }

    // The word of each row's output that ends with a neuron.
    void store(std::size_t neuron, const Panel& panel, Slice* results) const {
        const std::size_t per_word = 64 / width_, used = (neuron % per_word + 1) * width_;
        for (std::size_t i = used; i < 64; ++i) results[i] = Slice{};
        transpose(results);
        const std::uint64_t* words = reinterpret_cast<const std::uint64_t*>(results);
        const std::size_t place = neuron / per_word * 8;
        // Rows of bits have whole words.
        const std::size_t bytes = width_ == 1 ? 8 : used / 8;
        for (std::size_t row = 0; row < panel.count; ++row) {
            const std::uint64_t* word = words + row % 64 * kSliceWords + row / 64;
            if (bytes == 8) {
                std::memcpy(panel.results[row] + place, word, 8);
            } else {
                std::memcpy(panel.results[row] + place, word, bytes);
            }
        }
    }

    BitSums sums_;
    std::size_t levels_;
    std::size_t words_, pairs_;
    std::size_t width_;                          // bits of an element of the output
    std::size_t count_bits_;                     // of one plane's sum
    std::size_t sum_bits_;                       // of all planes' sum
    std::vector<std::uint32_t> input_slices_;    // for each input, its slice in a plane
    std::vector<std::uint8_t> picks_;            // for each neuron and pair, its slice among the table's eight
    std::vector<std::uint64_t> parities_;        // of a neuron's m, as a mask
    std::vector<std::int64_t> biases_, limits_;  // for each kind of row and neuron
};

}  // namespace

std::unique_ptr<Kernel> make_sliced_matrix_vector(const Unit& unit, const Layer& layer, BitSums sums) {
    return std::make_unique<SlicedMatrixVector>(unit, layer, sums);
}

}  // namespace bnn

#endif
