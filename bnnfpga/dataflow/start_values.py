"""Values at which sums of products start (`rtl/bnn_product_sums.sv`), where these count more than the dot products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import Memory
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


class _SameArray:
    """An array that is equal to nothing but itself."""

    def __init__(self, array: IntArray) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameArray) and self.array is other.array

    def __hash__(self) -> int:
        return id(self.array)


@lru_cache(maxsize=4)
def _turned(weights: _SameArray, opposite: bytes) -> IntArray:
    """Weights of which some rows are opposite ones: one array for all foldings of a unit, of which there are many."""
    rows = np.frombuffer(opposite, dtype=bool)
    return np.where(rows[:, None], -weights.array, weights.array)


@dataclass(frozen=True, eq=False)
class StartValues:
    """The start of each output's sum, and the weights that belong to it.

    With weights of -1 and +1 and one threshold, sums start at less by that, so that their sign is the result; a
    decreasing channel has the opposite weights instead.

    Parameters
    ----------
    by_output
        int64 (MH, MW); all -1 and +1, or inputs are bipolar and without flags.
    weight_type, input_type
        The types of weights and inputs, not both bipolar.
    table
        The thresholds; None for dot products.
    accumulator
        The interval of the dot products.
    pe
        Outputs per cycle.
    """

    by_output: IntArray
    weight_type: IntegerType
    input_type: IntegerType
    table: ThresholdTable | None
    accumulator: IntegerType
    pe: int

    @property
    def is_signed(self) -> bool:
        """Whether the sign of a sum is the result."""
        return self.weight_type.is_bipolar and self.table is not None and self.table.levels == 1

    @cached_property
    def initial_type(self) -> IntegerType:
        """The type of the sums: dot products, less a threshold if their sign is the result."""
        if not self.is_signed:
            return self.accumulator
        # A threshold lies between the lowest dot product and one above the highest.
        spread = self.accumulator.hi - self.accumulator.lo
        return IntegerType(-spread - 1, spread, "signed")

    @property
    def weights(self) -> IntArray:
        """The weights that hardware reads, int64 (MH, MW)."""
        opposite = self._reversed
        return _turned(_SameArray(self.by_output), opposite.tobytes()) if opposite.any() else self.by_output

    @property
    def memory(self) -> Memory:
        """The start values of each pass, PE 0 lowest."""
        bits = to_bits(self.values, self.initial_type.bits)
        name = "thresholds" if self.is_signed else "starts"
        return Memory(name, bits.reshape(len(self.by_output) // self.pe, -1), "distributed")

    @cached_property
    def values(self) -> IntArray:
        """The start values, int64 (MH,)."""
        return -self._excess - self._thresholds

    @property
    def _excess(self) -> IntArray:
        """What all products of an output count too much."""
        inputs, bits = int(self.weights.shape[1]), self.input_type.bits
        negative: IntArray = (self.weights < 0).sum(axis=1)
        if not self.weight_type.is_bipolar:
            # Trees invert the sign of a weight, whose bits count twice.
            sums: IntArray = self.weights.sum(axis=1)
            return sums + (inputs << self.weight_type.bits)
        if self.input_type.signed:
            return (inputs << (bits - 1)) - negative
        return negative * ((1 << bits) - 1)

    @property
    def _thresholds(self) -> IntArray:
        """Of the sums of the stored weights; 0 where sums are compared, or are the results."""
        outputs = len(self.by_output)
        if self.table is None or not self.is_signed:
            return np.zeros(outputs, dtype=np.int64)
        thresholds = self.table.with_rows(outputs).values[:, 0]
        # Sums below T are opposite sums of at least 1 - T.
        return np.where(self._reversed, 1 - thresholds, thresholds)

    @property
    def _reversed(self) -> NDArray[np.bool_]:
        """Channels with opposite weights, bool (MH,)."""
        outputs = len(self.by_output)
        if self.table is None or not self.is_signed:
            return np.zeros(outputs, dtype=bool)
        return self.table.with_rows(outputs).decreasing
