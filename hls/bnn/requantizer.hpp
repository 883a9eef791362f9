// SPDX-License-Identifier: Apache-2.0
// Requantizers: what maps a sum or an element to a result, by the step function of its channel.
//
// An increasing channel counts the thresholds T with x >= T, a decreasing one those with x < T; the result is
// OutputOffset + count. There are three forms, which give the same counts.
#ifndef BNN_REQUANTIZER_HPP_
#define BNN_REQUANTIZER_HPP_

#include "table.hpp"
#include "word.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bnn {

/// All thresholds of a channel compared at once.
///
/// Tables: thresholds [words][lanes][Levels], ascending, and decreasing [words][lanes], 1 where a channel is.
constexpr unsigned comparators = 0;

/// (factor * x + offset + e) >> Shift, cut to 0 ... Levels. e is 0, or, with Ties, the bit of the sum at Shift (1), or
/// its opposite (2).
///
/// Tables: offsets [words][lanes] and, if FactorBits > 0, factors [words][lanes]; else all factors are 1.
constexpr unsigned fixed_point = 1;

/// The bits of the count one after the other, the highest first. The bits found so far, below the word's number, are
/// the address of the threshold in the middle of those that are left. So each comparison has a memory of its own, and
/// values follow each other without a gap.
///
/// Tables: decreasing [words][lanes], then for each bit s of the count thresholds [words << s][lanes]; those beyond
/// Levels are above all values.
constexpr unsigned search = 2;

namespace detail {

/// Words and lanes of a table.
template <class Table>
constexpr std::size_t words_of = std::extent<Table, 0>::value;
template <class Table>
constexpr std::size_t lanes_of = std::extent<Table, 1>::value;

/// Bits of a count of `levels` thresholds.
constexpr unsigned count_bits(unsigned levels) { return levels == 0 ? 0 : 1 + count_bits(levels / 2); }

template <unsigned Form, unsigned ValueBits, unsigned Levels, unsigned FactorBits, unsigned SumBits, unsigned Shift,
          unsigned Ties>
struct requantizer;

/// Values and thresholds fit ValueBits bits, with a sign.
template <unsigned ValueBits, unsigned Levels, unsigned FactorBits, unsigned SumBits, unsigned Shift, unsigned Ties>
struct requantizer<comparators, ValueBits, Levels, FactorBits, SumBits, Shift, Ties> {
    static constexpr unsigned tables = 2;

    template <class Integer, class Entry, class Flag, std::size_t Words, std::size_t Lanes, std::size_t TableLevels>
    static std::int64_t count(Integer x, unsigned word, unsigned lane,
                              const Entry (&thresholds)[Words][Lanes][TableLevels],
                              const Flag (&decreasing)[Words][Lanes]) {
        static_assert(Levels == TableLevels, "the table of thresholds must have Levels thresholds per channel");
        BNN_PRAGMA(HLS INLINE)
        const auto value = narrow<ValueBits>(x);
        unsigned reached = 0;
        for (unsigned level = 0; level < Levels; ++level) {
            BNN_PRAGMA(HLS UNROLL)
            reached += value >= narrow<ValueBits>(thresholds[word][lane][level]) ? 1 : 0;
        }
        return (decreasing[word][lane] & 1) != 0 ? Levels - reached : reached;
    }
};

template <unsigned ValueBits, unsigned Levels, unsigned FactorBits, unsigned SumBits, unsigned Shift, unsigned Ties>
struct requantizer<fixed_point, ValueBits, Levels, FactorBits, SumBits, Shift, Ties> {
    static_assert(SumBits > Shift && SumBits <= 62, "a sum has more bits than are cut off, and at most 62");
    static_assert(Ties <= 2, "ties are 0, 1 or 2");
    static constexpr unsigned tables = FactorBits > 0 ? 2 : 1;

    template <class Integer, class Offset, std::size_t Words, std::size_t Lanes>
    static std::int64_t count(Integer x, unsigned word, unsigned lane, const Offset (&offsets)[Words][Lanes]) {
        BNN_PRAGMA(HLS INLINE)
        return cut(static_cast<std::int64_t>(x) + offsets[word][lane]);
    }

    template <class Integer, class Offset, class Factor, std::size_t Words, std::size_t Lanes>
    static std::int64_t count(Integer x, unsigned word, unsigned lane, const Offset (&offsets)[Words][Lanes],
                              const Factor (&factors)[Words][Lanes]) {
        BNN_PRAGMA(HLS INLINE)
        // The operands of a DSP slice's multiplier, and what its adder takes.
        const std::int64_t product = narrow<ValueBits>(x) * narrow<FactorBits>(factors[word][lane]);
        return cut(product + offsets[word][lane]);
    }

private:
    static std::int64_t cut(std::int64_t exact) {
        BNN_PRAGMA(HLS INLINE)
        const std::int64_t sum = narrow<SumBits>(exact);
        const std::int64_t tie = Ties == 0 ? 0 : (sum >> Shift & 1) ^ (Ties - 1);
        const std::int64_t whole = (sum + tie) >> Shift;
        return whole < 0 ? 0 : whole > static_cast<std::int64_t>(Levels) ? static_cast<std::int64_t>(Levels) : whole;
    }
};

template <unsigned ValueBits, unsigned Levels, unsigned FactorBits, unsigned SumBits, unsigned Shift, unsigned Ties>
struct requantizer<search, ValueBits, Levels, FactorBits, SumBits, Shift, Ties> {
    static constexpr unsigned tables = 1 + count_bits(Levels);

    template <class Integer, class Flag, std::size_t Words, std::size_t Lanes, class... Stages>
    static std::int64_t count(Integer x, unsigned word, unsigned lane, const Flag (&decreasing)[Words][Lanes],
                              const Stages&... stages) {
        BNN_PRAGMA(HLS INLINE)
        const unsigned reached = found(narrow<ValueBits>(x), word, lane, stages...) - (word << count_bits(Levels));
        return (decreasing[word][lane] & 1) != 0 ? Levels - reached : reached;
    }

private:
    template <class Value>
    static unsigned found(const Value&, unsigned address, unsigned) {
        BNN_PRAGMA(HLS INLINE)
        return address;
    }

    template <class Value, class Entry, std::size_t Words, std::size_t Lanes, class... Stages>
    static unsigned found(const Value& value, unsigned address, unsigned lane, const Entry (&stage)[Words][Lanes],
                          const Stages&... later) {
        BNN_PRAGMA(HLS INLINE)
        const unsigned bit = value >= narrow<ValueBits>(stage[address][lane]) ? 1 : 0;
        return found(value, address << 1 | bit, lane, later...);
    }
};

/// Sums that are results themselves.
struct raw_sums {
    static constexpr unsigned tables = 0;

    template <class Integer>
    static std::int64_t count(Integer x, unsigned, unsigned) {
        BNN_PRAGMA(HLS INLINE)
        return x;
    }
};

/// From the accumulator of a unit to its results. A threshold is at most one more than the largest sum, which takes a
/// bit more and a sign.
template <unsigned Requantizer, unsigned AccumulatorBits, unsigned Levels, unsigned FactorBits, unsigned SumBits,
          unsigned Shift, unsigned Ties>
using sum_requantizer =
    std::conditional_t<Levels == 0, raw_sums,
                       requantizer<Requantizer, AccumulatorBits + 2, Levels, FactorBits, SumBits, Shift, Ties>>;

}  // namespace detail

}  // namespace bnn

#endif
