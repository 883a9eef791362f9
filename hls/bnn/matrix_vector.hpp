// SPDX-License-Identifier: Apache-2.0
// Matrix-vector: MH dot products of MW inputs, PE outputs and SIMD inputs per cycle, or whole vectors, several at once.
//
// A vector takes MH / PE passes of MW / SIMD steps. Pass n computes outputs n * PE to n * PE + PE - 1; step s reads
// inputs s * SIMD to s * SIMD + SIMD - 1, from a queue in the first pass and from a buffer afterwards. A process of its
// own fills the queue with the beats of the steps, while the unit still works on the vector before. In the xnor
// form (weights and inputs are -1 and +1) the unit counts the inputs equal to their weights, p, and the dot product is
// 2p - MW. Otherwise weights of -1 and +1 add or subtract each input, and wider ones multiply.
#ifndef BNN_MATRIX_VECTOR_HPP_
#define BNN_MATRIX_VECTOR_HPP_

#include "popcount.hpp"
#include "requantizer.hpp"
#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bnn {
namespace detail {

/// The inputs of a step as the xnor form uses them. Each of the `Flags` parts that lies outside the image counts as
/// half of its inputs, which is the 0 between -1 and +1; where that is not a whole number, everything counts twice.
template <unsigned SIMD, unsigned Flags>
struct xnor_inputs {
    static constexpr unsigned part = SIMD / (Flags > 0 ? Flags : 1);
    static constexpr unsigned scale = Flags > 0 && part % 2 != 0 ? 2 : 1;

    bits<SIMD> x;
    bits<SIMD> counted;
    unsigned outside = 0;

    explicit xnor_inputs(const bits<SIMD + Flags>& all) {
        BNN_PRAGMA(HLS INLINE)
        x = all.template slice<SIMD>(0);
        for (unsigned f = 0; f < Flags; ++f) {
            BNN_PRAGMA(HLS UNROLL)
            if (all.template get<1>(SIMD + f) != 0) {
                outside += part * scale / 2;
            } else {
                counted.insert(f * part, bits<part>::ones());
            }
        }
    }

    unsigned dot(const bits<SIMD>& weights) const {
        BNN_PRAGMA(HLS INLINE)
        return Flags == 0 ? equal_bits(weights, x) : scale * equal_bits(weights, x, counted) + outside;
    }
};

/// The inputs of a step as numbers, 0 outside the image.
template <unsigned SIMD, unsigned Flags, unsigned WeightBits, bool InputBipolar, unsigned InputBits, bool InputSigned,
          class Sum>
struct number_inputs {
    static constexpr unsigned scale = 1;

    Sum x[SIMD];

    explicit number_inputs(const bits<SIMD * InputBits + Flags>& apart) {
        BNN_PRAGMA(HLS INLINE)
        BNN_PRAGMA(HLS ARRAY_PARTITION variable=x complete)
        constexpr unsigned part = SIMD / (Flags > 0 ? Flags : 1);
        for (unsigned i = 0; i < SIMD; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code = apart.template get<InputBits>(i * InputBits);
            if (Flags > 0 && apart.template get<1>(SIMD * InputBits + i / part) != 0) {
                x[i] = 0;
            } else if (InputBipolar) {
                x[i] = code != 0 ? Sum{1} : Sum{-1};
            } else {
                x[i] = static_cast<Sum>(decode<InputBits, InputSigned>(code));
            }
        }
    }

    Sum dot(const bits<SIMD * WeightBits>& weights) const {
        BNN_PRAGMA(HLS INLINE)
        Sum sum = 0;
        for (unsigned i = 0; i < SIMD; ++i) {
            BNN_PRAGMA(HLS UNROLL)
            const std::uint64_t code = weights.template get<WeightBits>(i * WeightBits);
            if (WeightBits == 1) {
                sum += code != 0 ? x[i] : -x[i];
            } else {
                sum += static_cast<Sum>(decode<WeightBits, true>(code)) * x[i];
            }
        }
        return sum;
    }
};

/// One vector with its flags, out of a beat that has the inputs of all vectors first and all flags above them.
template <unsigned Pixels, unsigned Width, unsigned Flags>
bits<Width + Flags> vector_of(const bits<(Width + Flags) * Pixels>& beat, unsigned pixel) {
    BNN_PRAGMA(HLS INLINE)
    bits<Width + Flags> result;
    result.insert(0, beat.template slice<Width>(pixel * Width));
    for (unsigned f = 0; f < Flags; ++f) {
        BNN_PRAGMA(HLS UNROLL)
        result.template set<1>(Width + f, beat.template get<1>(Pixels * Width + pixel * Flags + f));
    }
    return result;
}

/// Makes `Words` words of `Beats` beats each, the first beat in the lowest bits.
template <unsigned Words, unsigned Beats, unsigned BeatBits>
void collect(hls::stream<word<BeatBits>>& in, hls::stream<word<Beats * BeatBits>>& out) {
    word<BeatBits> beats[Beats];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=beats complete)
    unsigned beat = 0;
    for (unsigned i = 0; i < Words * Beats; ++i) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        beats[beat] = in.read();
        if (beat == Beats - 1) {
            bits<Beats * BeatBits> collected;
            for (unsigned b = 0; b < Beats; ++b) {
                BNN_PRAGMA(HLS UNROLL)
                collected.insert(b * BeatBits, bits<BeatBits>(beats[b]));
            }
            out.write(collected.packed());
        }
        beat = beat == Beats - 1 ? 0 : beat + 1;
    }
}

/// Sums and results, from a word for each step of a first pass.
template <unsigned MW, unsigned MH, unsigned Vectors, unsigned PE, unsigned SIMD, unsigned Pixels, unsigned WeightBits,
          bool InputBipolar, unsigned InputBits, bool InputSigned, unsigned Flags, unsigned AccumulatorBits,
          unsigned OutputBits, int OutputOffset, class Results, class Weight, std::size_t Words, std::size_t Lanes,
          class... Tables>
void dot_products(hls::stream<word<(SIMD * InputBits + Flags) * Pixels>>& in,
                  hls::stream<word<Pixels * PE * OutputBits>>& out, const Weight (&weights)[Words][Lanes],
                  const Tables&... tables) {
    constexpr bool Xnor = InputBipolar && WeightBits == 1;
    constexpr unsigned passes = MH / PE;
    constexpr unsigned steps = MW / SIMD;

    // Holds the sum of any MW inputs; the accumulator may wrap on its way, but its final value fits.
    constexpr bool short_sum =
        InputBits + WeightBits < 30 && (std::uint64_t{MW} << (InputBits + WeightBits)) < (1u << 30);
    using Sum = std::conditional_t<short_sum, std::int32_t, std::int64_t>;
    using Accumulator = std::conditional_t<Xnor, ap_uint<AccumulatorBits>, ap_int<AccumulatorBits>>;
    using Inputs =
        std::conditional_t<Xnor, detail::xnor_inputs<SIMD, Flags>,
                           detail::number_inputs<SIMD, Flags, WeightBits, InputBipolar, InputBits, InputSigned, Sum>>;
    constexpr unsigned beat_bits = (SIMD * InputBits + Flags) * Pixels;
    using Beat = word<beat_bits>;

    Beat buffer[steps];
    BNN_PRAGMA(HLS BIND_STORAGE variable=buffer type=ram_s2p impl=lutram)
    // A step of a later pass reads what the same step of the first one wrote.
    BNN_PRAGMA(HLS DEPENDENCE variable=buffer type=inter direction=RAW distance=steps dependent=true)
    Accumulator accumulators[Pixels][PE];
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=accumulators complete dim=0)

    unsigned pass = 0;
    unsigned step = 0;
    unsigned word_index = 0;
    for (unsigned i = 0; i < Vectors / Pixels * passes * steps; ++i) {
        BNN_PRAGMA(HLS PIPELINE II=1 style=frp)
        Beat incoming;
        if (pass == 0) {
            incoming = in.read();
            buffer[step] = incoming;
        } else {
            incoming = buffer[step];
        }
        const bits<beat_bits> beat(incoming);

        bits<Pixels * PE * OutputBits> y;
        for (unsigned v = 0; v < Pixels; ++v) {
            BNN_PRAGMA(HLS UNROLL)
            const Inputs inputs(detail::vector_of<Pixels, SIMD * InputBits, Flags>(beat, v));
            for (unsigned p = 0; p < PE; ++p) {
                BNN_PRAGMA(HLS UNROLL)
                const Sum before = step == 0 ? Sum{0} : static_cast<Sum>(accumulators[v][p].to_int64());
                const bits<SIMD * WeightBits> chosen = load<SIMD * WeightBits>(weights[word_index][p]);
                const Accumulator after = before + static_cast<Sum>(inputs.dot(chosen));
                accumulators[v][p] = after;
                if (step == steps - 1) {
                    const Sum sum = static_cast<Sum>(after.to_int64());
                    constexpr Sum twice = 2 / Inputs::scale;
                    const bool is_count = Xnor && Results::tables == 0;
                    const Sum result = is_count ? twice * sum - static_cast<Sum>(MW) : sum;
                    const std::int64_t code = OutputOffset + Results::count(result, pass, p, tables...);
                    y.template set<OutputBits>((v * PE + p) * OutputBits, encode<OutputBits>(code));
                }
            }
        }
        if (step == steps - 1) out.write(y.packed());

        word_index = word_index + 1 == Words ? 0 : word_index + 1;
        if (step == steps - 1) {
            step = 0;
            pass = pass + 1 == passes ? 0 : pass + 1;
        } else {
            ++step;
        }
    }
}

}  // namespace detail

/// The matrix-vector unit, for one frame.
///
/// MW                inputs of a vector, at least 1
/// MH                outputs of a vector, at least 1
/// Vectors           vectors of a frame, at least 1
/// PE                outputs of a vector per cycle, a divisor of MH
/// SIMD              inputs of a vector per cycle, a divisor of MW
/// Pixels            vectors of a beat, a divisor of Vectors; more than one needs PE = MH and SIMD = MW
/// InputLanes        inputs of a vector in a beat, a divisor of SIMD; SIMD where there are Flags or several vectors
/// InputBanks        vectors that there is room for in front of the sums, 1 or 2; one of them is in use
/// WeightBits        1: weights are -1 and +1, stored as 0 and 1; 2 to 32: in two's complement
/// InputBipolar      1: inputs are -1 and +1, stored as 0 and 1, of one bit
/// InputBits         bits of an input, 1 to 32
/// InputSigned       1: inputs are in two's complement
/// Flags             flags for the inputs of a vector in a beat, 0 or a divisor of SIMD: flag f says that the f-th of
///                   Flags equal parts of them lies outside the image and counts as 0, whatever its bits; they lie
///                   above all inputs
/// AccumulatorBits   bits of an accumulator, 1 to 62: unsigned in the xnor form, else in two's complement
/// Levels            thresholds of an output; 0: the outputs are the dot products
/// OutputBits        bits of an output, 1 to 64
/// OutputOffset      what is added to the count of thresholds
/// Requantizer       how thresholds are counted: `comparators`, `fixed_point` or `search`, of requantizer.hpp
/// FactorBits, SumBits, Shift, Ties   of a fixed-point step; 0 in the other forms
///
/// `weights` [MH / PE * MW / SIMD][PE] of SIMD * WeightBits bits, word pass * MW / SIMD + step, the weight of the
/// step's first input lowest. `tables`, if Levels > 0: those of the form, with MH / PE words of PE lanes, for the count
/// of equal bits in the xnor form, else for the sum. Where each flag stands for an
/// odd number of inputs, equal bits count twice, in the accumulator and in the thresholds alike.
template <unsigned MW, unsigned MH, unsigned Vectors, unsigned PE, unsigned SIMD, unsigned Pixels, unsigned InputLanes,
          unsigned InputBanks, unsigned WeightBits, bool InputBipolar, unsigned InputBits, bool InputSigned,
          unsigned Flags, unsigned AccumulatorBits, unsigned Levels, unsigned OutputBits, int OutputOffset,
          unsigned Requantizer = comparators, unsigned FactorBits = 0, unsigned SumBits = 0, unsigned Shift = 0,
          unsigned Ties = 0, class Weight, std::size_t Words, std::size_t Lanes, class... Tables>
void matrix_vector(hls::stream<word<(InputLanes * InputBits + Flags) * Pixels>>& in,
                   hls::stream<word<Pixels * PE * OutputBits>>& out, const Weight (&weights)[Words][Lanes],
                   const Tables&... tables) {
    BNN_PRAGMA(HLS DATAFLOW disable_start_propagation)
    static_assert(MW >= 1 && MH >= 1 && Vectors >= 1, "a frame has at least one vector of one input and one output");
    static_assert(PE >= 1 && MH % PE == 0, "PE must divide the outputs MH");
    static_assert(SIMD >= 1 && MW % SIMD == 0, "SIMD must divide the inputs MW");
    static_assert(Pixels == 1 || (PE == MH && SIMD == MW), "several vectors per beat need PE = MH and SIMD = MW");
    static_assert(Pixels >= 1 && Vectors % Pixels == 0, "the vectors of a beat must divide those of a frame");
    static_assert(InputLanes >= 1 && SIMD % InputLanes == 0, "InputLanes must divide SIMD");
    static_assert(InputLanes == SIMD || (Flags == 0 && Pixels == 1),
                  "beats of fewer inputs than SIMD have no flags and one vector");
    static_assert(InputBanks == 1 || InputBanks == 2, "there is room for one or two vectors");
    static_assert(!InputBipolar || InputBits == 1, "inputs of -1 and +1 have one bit");
    static_assert(Flags == 0 || SIMD % Flags == 0, "each flag must stand for the same number of inputs");
    static_assert(InputBits >= 1 && InputBits <= 32, "an element of a stream has 1 to 32 bits");
    static_assert(WeightBits >= 1 && WeightBits <= 32, "weights have 1 to 32 bits");
    static_assert(AccumulatorBits >= 1 && AccumulatorBits <= 62, "the accumulator has 1 to 62 bits");
    using Results = detail::sum_requantizer<Requantizer, AccumulatorBits, Levels, FactorBits, SumBits, Shift, Ties>;
    static_assert(sizeof...(Tables) == Results::tables, "the unit takes the tables of its requantizer, if it has one");
    constexpr unsigned passes = MH / PE;
    constexpr unsigned steps = MW / SIMD;
    static_assert(Words == passes * steps, "the weights must have one word for each step of each pass");
    static_assert(Lanes == PE, "a word of weights must have PE entries");

    // The vector in use is kept apart from the queue.
    constexpr unsigned waiting = (InputBanks - 1) * steps;
    [[maybe_unused]] constexpr unsigned depth = waiting > 2 ? waiting : 2;
    hls::stream<word<(SIMD * InputBits + Flags) * Pixels>> queue("queue");
    BNN_PRAGMA(HLS STREAM variable=queue depth=depth)
    detail::collect<Vectors / Pixels * steps, SIMD / InputLanes, (InputLanes * InputBits + Flags) * Pixels>(in, queue);
    detail::dot_products<MW, MH, Vectors, PE, SIMD, Pixels, WeightBits, InputBipolar, InputBits, InputSigned, Flags,
                         AccumulatorBits, OutputBits, OutputOffset, Results>(queue, out, weights, tables...);
}

}  // namespace bnn

#endif
