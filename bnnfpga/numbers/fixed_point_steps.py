"""Per-channel step functions from integers to integers, as fixed-point arithmetic instead of thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_FACTOR_BITS = {18: 25, 25: 18}
"""Operand widths of a DSP slice, signs included: the factor's by the largest of the integers multiplied."""
_SUM_BITS = 48
"""Width of the adder behind its multiplier."""
_NO_BOUND = 1 << 60
"""Beyond every offset."""


@dataclass(frozen=True, eq=False)
class FixedPointSteps:
    """Counts of thresholds as `clip((factor * x + offset + e) >> shift, 0, levels)`.

    Without ties, `e` is 0. A rounding mode that decides ties by the parity of the result has no such form; with `e` the
    bit of the sum at `shift`, inverted for ties toward odd counts, it has.

    Parameters
    ----------
    factors, offsets
        int64 (channels,).
    shift
        Common to all channels.
    tie
        The lowest bit of the counts that ties go to, 0 or 1; None if e is 0.
    levels
        The largest count.
    domain
        The integers x for which this holds.
    """

    factors: IntArray
    offsets: IntArray
    shift: int
    tie: int | None
    levels: int
    domain: IntegerType

    def execute(self, x: IntArray) -> IntArray:
        """The counts for int64 (..., channels)."""
        sums = self.factors * x + self.offsets
        if self.tie is not None:
            sums = sums + ((sums >> self.shift & 1) ^ self.tie)
        counts: IntArray = np.clip(sums >> self.shift, 0, self.levels)
        return counts

    def equals(self, table: ThresholdTable) -> bool:
        """Whether these are the counts of a table for every integer of the domain.

        With ties, too, a count is reached from some sum on, so both sides are monotone in x: they are equal everywhere
        if they are on both sides of each threshold and at the ends.
        """
        ends = np.broadcast_to((self.domain.lo, self.domain.hi), (table.rows, 2))
        x = np.clip(np.concatenate([table.values, table.values - 1, ends], axis=1), self.domain.lo, self.domain.hi).T
        counting = ThresholdTable(table.values, table.decreasing, IntegerType.interval(0, table.levels))
        return bool(np.array_equal(self.execute(x), counting.execute(x)))

    @cached_property
    def factor_type(self) -> IntegerType:
        return IntegerType(int(self.factors.min()), int(self.factors.max()), "signed")

    @cached_property
    def offset_type(self) -> IntegerType:
        return IntegerType(int(self.offsets.min()), int(self.offsets.max()), "signed")

    @cached_property
    def sum_type(self) -> IntegerType:
        """The interval of sums, with `e`."""
        ends = self.factors[:, None] * np.array([self.domain.lo, self.domain.hi]) + self.offsets[:, None]
        return IntegerType(int(ends.min()), int(ends.max()) + (self.tie is not None), "signed")


def fixed_point_steps(table: ThresholdTable, domain: IntegerType) -> FixedPointSteps | None:
    """The fixed-point form of a table, with the smallest shift, for all integers of a domain; None if there is none.

    A factor has at most as many bits as a DSP slice multiplies by an integer of the domain.

    For each of its levels l, a channel with the threshold T needs `factor * T + offset >= l << shift`, and less at
    T - 1. The offsets between these bounds are an interval whose width is a concave function of the factor.
    """
    x_bits = IntegerType(domain.lo, domain.hi, "signed").bits
    limit = next((1 << bits - 1 for widest, bits in _FACTOR_BITS.items() if x_bits <= widest), None)
    if limit is None:
        return None
    for tie in (None, 0, 1):
        steps = _solved(_Inequalities(table, domain, tie), limit)
        if steps is not None and steps.equals(table):
            return steps
    return None


class _Inequalities:
    """The bounds of the offsets of all channels, for factors of x, or of -x in decreasing channels.

    Parameters
    ----------
    table, domain, tie
        As in `FixedPointSteps`.
    """

    def __init__(self, table: ThresholdTable, domain: IntegerType, tie: int | None) -> None:
        falls = table.decreasing[:, None]
        thresholds = np.where(falls, 1 - table.values[:, ::-1], table.values)
        self.table, self.domain, self.tie = table, domain, tie
        self.reached = thresholds
        self.is_reached = thresholds <= np.where(falls, -domain.lo, domain.hi)
        self.is_missed = thresholds > np.where(falls, -domain.hi, domain.lo)
        self.levels = np.arange(1, table.levels + 1)
        # The least sum that reaches a level is one less if ties go to it.
        self.ties = 0 if tie is None else (self.levels - 1 & 1) ^ tie

    def offsets(self, factors: IntArray, shift: int) -> tuple[IntArray, IntArray, IntArray]:
        """The least and the largest offset of each channel, and how fast the distance grows with the factor."""
        least_sums = (self.levels << shift) - self.ties
        least = least_sums - factors[:, None] * self.reached
        most = np.where(self.is_missed, least + (factors[:, None] - 1), _NO_BOUND)
        least[~self.is_reached] = -_NO_BOUND
        lowest, highest = least.argmax(axis=1)[:, None], most.argmin(axis=1)[:, None]
        slope = np.take_along_axis(self.reached, lowest, 1) - np.take_along_axis(self.reached, highest, 1) + 1
        return np.take_along_axis(least, lowest, 1)[:, 0], np.take_along_axis(most, highest, 1)[:, 0], slope[:, 0]

    def factors(self, shift: int) -> IntArray | None:
        """The smallest factor of each channel; None if a channel has none."""
        low = np.zeros(self.table.rows, dtype=np.int64)
        # A step from no level to all of them is the steepest.
        high = np.full(self.table.rows, self.table.levels + 1 << shift)
        found = low - 1
        while np.any(open := (found < 0) & (low <= high)):
            middle = low + high >> 1
            least, most, slope = self.offsets(middle, shift)
            found = np.where(open & (least <= most), middle, found)
            low = np.where(slope > 0, middle + 1, low)
            high = np.where(slope > 0, high, np.where(slope < 0, middle - 1, -1))
        if np.any(found < 0):
            return None
        low = np.zeros_like(found)
        while np.any(low < found):
            middle = low + found >> 1
            least, most, _ = self.offsets(middle, shift)
            found, low = np.where(least <= most, middle, found), np.where(least <= most, low, middle + 1)
        return found


def _solved(inequalities: _Inequalities, limit: int) -> FixedPointSteps | None:
    """The solution with the smallest shift, if its factors are below a limit."""
    table, domain = inequalities.table, inequalities.domain
    largest = max(abs(domain.lo), abs(domain.hi)) + 1
    most = min(60 - largest.bit_length(), _SUM_BITS - 2) - (table.levels + 1).bit_length()
    # A solution for a shift, doubled, is one for the next.
    shift = _least(lambda shift: inequalities.factors(shift) is not None, most)
    factors = None if shift is None else inequalities.factors(shift)
    if shift is None or factors is None or factors.max() >= limit:
        return None
    least, largest_offset, _ = inequalities.offsets(factors, shift)
    offsets = np.clip(0, least, largest_offset)
    signed = np.where(table.decreasing, -factors, factors)
    steps = FixedPointSteps(signed, offsets, shift, inequalities.tie, table.levels, domain)
    return steps if steps.sum_type.bits <= _SUM_BITS else None


def _least(holds: Callable[[int], bool], most: int) -> int | None:
    """The least number for which a monotone predicate holds; None if it does not up to `most`."""
    if most < 0 or not holds(most):
        return None
    low = 0
    while low < most:
        middle = low + most >> 1
        low, most = (low, middle) if holds(middle) else (middle + 1, most)
    return most
