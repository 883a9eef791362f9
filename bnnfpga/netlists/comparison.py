"""Comparing the sum of a few bits in columns with a constant, without adding them up.

From the lowest column up, all that matters of the sum is how far it exceeds the threshold, in units of the next column,
rounded down. With at most three bits in a column, that is one of four numbers: two tables of five bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bnnfpga.netlists.literals import FALSE, TRUE, Literal, function
from bnnfpga.netlists.netlist import LUT_INPUTS, Netlist
from bnnfpga.netlists.truth_tables import truth_table

Columns = Sequence[Sequence[Literal]]

_FIRST, _LATER = 5, 3
"""The most bits of a column where at most one bit says how far those below exceed the threshold, and where two do."""


def highest(heights: Sequence[int]) -> int:
    """The most bits of a column that `at_least` takes, whatever the threshold, above columns of these heights."""
    ranges = {(0, 0)}
    for height in heights:
        ranges = {((least - digit) >> 1, (most + height - digit) >> 1) for least, most in ranges for digit in (0, 1)}
    return _FIRST if all(most - least <= 1 for least, most in ranges) else _LATER


def at_least(netlist: Netlist, columns: Columns, threshold: int) -> Literal:
    """Whether the sum of all bits, those of column c times 2**c, reaches a threshold; columns as high as `highest`."""
    if not 0 < threshold <= sum(len(column) << place for place, column in enumerate(columns)):
        return TRUE if threshold <= 0 else FALSE
    excess, low = _Excess(0, 0), 0
    while low < len(columns):
        high = max(_reach(excess, columns, threshold, low), low + 1)
        excess, low = _carried(netlist, excess, columns, threshold, low, high), high
    (reached,) = excess.bits
    return reached


@dataclass(frozen=True)
class _Excess:
    """A number from `least` to `most`: `least` and the number of which `bits` are the bits."""

    least: int
    most: int
    bits: tuple[Literal, ...] = ()

    @property
    def width(self) -> int:
        return (self.most - self.least).bit_length()


def _reach(excess: _Excess, columns: Columns, threshold: int, low: int) -> int:
    """The last column, exclusively, up to which one table takes all: a table with two outputs has five inputs."""
    high, inputs = low, excess.width
    for column in range(low, len(columns)):
        inputs += len(columns[column])
        width = _range(excess, columns, threshold, low, column + 1).width
        if inputs <= (LUT_INPUTS if width == 1 else LUT_INPUTS - 1):
            high = column + 1
    return high


def _range(excess: _Excess, columns: Columns, threshold: int, low: int, high: int) -> _Excess:
    """The range of the excess over the columns below `high`: what decides no matter which bits follow is one number."""
    taken = threshold >> low & (1 << high - low) - 1
    bits = sum(len(column) << place for place, column in enumerate(columns[low:high]))
    wanted = threshold >> high
    more = sum(len(column) << place for place, column in enumerate(columns[high:]))
    least, most = (number - taken >> high - low for number in (excess.least, excess.most + bits))
    return _Excess(min(max(least, wanted - more - 1), wanted), max(min(most, wanted), wanted - more - 1))


def _carried(netlist: Netlist, excess: _Excess, columns: Columns, threshold: int, low: int, high: int) -> _Excess:
    """The excess over the columns below `high` from that below `low`."""
    after = _range(excess, columns, threshold, low, high)
    weights = [1 << place for place in range(excess.width)]
    weights += [1 << place for place, column in enumerate(columns[low:high]) for _ in column]
    inputs = [*excess.bits, *(bit for column in columns[low:high] for bit in column)]
    base = excess.least - (threshold >> low & (1 << high - low) - 1)

    def bit(place: int, *values: int) -> int:
        number = base + sum(weight * value for weight, value in zip(weights, values, strict=True))
        return min(max(number >> high - low, after.least), after.most) - after.least >> place & 1

    tables = [truth_table(partial(bit, place), len(inputs)) for place in range(after.width)]
    return _Excess(after.least, after.most, tuple(function(netlist, table, inputs) for table in tables))
