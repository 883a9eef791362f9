"""Tables of thresholds from the functions that quantizers compute."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


def step_table(counts: IntArray, lo: int, output: IntegerType) -> ThresholdTable:
    """The table of monotone functions, from their values for `lo`, `lo + 1` and so on, (integers, channels)."""
    levels = np.arange(1, output.hi - output.lo + 1)
    counts = np.clip(counts, output.lo, output.hi) - output.lo
    decreasing = counts[-1] < counts[0]
    ascending = np.where(decreasing, counts[::-1], counts)
    columns = [len(counts) - np.searchsorted(column, levels) for column in ascending.T]
    reached = np.stack(columns)
    # An increasing channel reaches a level with its last integers, a decreasing one with its first.
    values = np.where(decreasing[:, None], reached[:, ::-1], len(counts) - reached)
    return ThresholdTable(values + lo, decreasing, output)


def rounded_table(scales: ArrayLike, biases: ArrayLike, domain: IntegerType, output: IntegerType) -> ThresholdTable:
    """`scale * x + bias` by channel, in float32, rounded half to even."""
    x = np.arange(domain.lo, domain.hi + 1, dtype=np.float32)[:, None]
    values = np.rint(x * np.asarray(scales, np.float32) + np.asarray(biases, np.float32))
    return step_table(values.astype(np.int64), domain.lo, output)
