"""Per-channel step functions from integers to integers, as tables of thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.integers import IntArray, IntegerType

_MIN_SEARCHED_LEVELS = 15
"""From this many thresholds per channel on, a binary search is faster than comparing with each."""


@dataclass(frozen=True, eq=False)
class ThresholdTable:
    """Per-channel step functions from integers to integers.

    Parameters
    ----------
    values
        int64 (channels, levels), ascending along levels. One row serves all channels.
    decreasing
        bool (channels,): count `x < T` instead of `x >= T`.
    output
        Type of the result, `output.lo + count`; for a bipolar result -1 and +1.
    """

    values: IntArray
    decreasing: NDArray[np.bool_]
    output: IntegerType

    def __post_init__(self) -> None:
        if np.any(np.diff(self.values, axis=1) < 0):
            raise ValueError("thresholds of a channel must ascend")

    @classmethod
    def counting(cls, values: IntArray) -> ThresholdTable:
        """How many of its channel's thresholds each integer reaches."""
        channels, levels = values.shape
        return cls(values, np.zeros(channels, dtype=bool), IntegerType.interval(0, levels))

    @property
    def rows(self) -> int:
        """Channels that have thresholds of their own; one row serves all."""
        return int(self.values.shape[0])

    @property
    def levels(self) -> int:
        """Thresholds of a channel."""
        return int(self.values.shape[1])

    def some(self, channels: slice | IntArray) -> ThresholdTable:
        """The table of some of the channels, in any order; one row goes on serving all."""
        if self.rows == 1:
            return self
        return ThresholdTable(self.values[channels], self.decreasing[channels], self.output)

    def with_rows(self, channels: int) -> ThresholdTable:
        """The same table with a row for each of `channels`."""
        values = np.broadcast_to(self.values, (channels, self.levels))
        return ThresholdTable(values, np.broadcast_to(self.decreasing, (channels,)), self.output)

    def execute(self, x: NDArray[Any]) -> Integers:
        """Apply to integers (..., channels) of any type, floats that are integers below 2^24 or 2^53 among them."""
        type = narrowest(self.output.lo, self.output.hi, self.output.lo + self.levels, self.levels)
        limits = self._limits(x.dtype)
        if self.levels > _MIN_SEARCHED_LEVELS:
            count = self._searched(x, limits).astype(type)
        else:
            count = np.zeros(x.shape, dtype=type)
            for level in range(self.levels):
                count += x >= limits[:, level]
        if self.decreasing.any():
            # A decreasing channel counts the thresholds that are not reached.
            np.subtract(self.levels, count, out=count, where=self.decreasing)
        if self.output.is_bipolar:
            count *= 2
            count -= 1
        else:
            count += self.output.lo
        return count

    def _limits(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """The thresholds clamped to the range of a numpy type, which changes no comparison with its numbers."""
        if dtype.kind == "f":
            bound = 1 << np.finfo(dtype).nmant + 1
            return np.clip(self.values, -bound, bound).astype(dtype)
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max) + 1
        return np.clip(self.values, low, high).astype(narrowest(low, high)) if dtype.itemsize < 8 else self.values

    def _searched(self, x: NDArray[Any], limits: NDArray[Any]) -> NDArray[np.intp]:
        """The number of thresholds that each element reaches, by binary search."""
        if len(limits) == 1:
            return np.searchsorted(limits[0], x, side="right")
        rows = x.reshape(-1, x.shape[-1])
        counts = [np.searchsorted(limit, column, side="right") for limit, column in zip(limits, rows.T, strict=True)]
        return np.stack(counts, axis=-1).reshape(x.shape)

    def decisive(self, channel: int, expected: int, got: int) -> int | None:
        """The threshold of a channel that `got` puts an input on the wrong side of, where `expected` is the result.

        Of several, the one nearest to the input; None if the table never gives `got`.
        """
        row = min(channel, self.rows - 1)
        step = 2 if self.output.is_bipolar else 1
        right, wrong = ((result - self.output.lo) // step for result in (expected, got))
        if not 0 <= wrong <= self.levels or wrong == right:
            return None
        # An increasing channel has reached the lowest `count` thresholds, a decreasing one is below the highest.
        index = right if wrong > right else right - 1
        if self.decreasing[row]:
            index = self.levels - 1 - index
        return int(self.values[row, index])
