"""What the xnor datapath (`rtl/bnn_xnor_sums.sv`) reads: weights as parities, and values at which sums start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import Memory
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.stream import PixelParts
from bnnfpga.dataflow.thresholds import Domain
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True, eq=False)
class ParityWords:
    """The memories of a unit that counts equal bits of weights and inputs.

    A count with a single threshold starts at minus that threshold, so that its sign is the result; a decreasing channel
    has the opposite weights instead. A count that leaves as a dot product starts at minus half of the inputs, rounded
    down; one that is compared with several thresholds starts at 0.

    Parameters
    ----------
    weights
        int64 (MH, MW), -1 and +1.
    table
        The thresholds; None for dot products.
    pe, simd
        Outputs and inputs per cycle.
    kind
        The kind of the weight memory.
    part
        Inputs of a part of a step that may be outside the image, which counts half of them; None if there is none.
    order
        The order in which steps read a vector's elements; None for that of the weights.
    """

    weights: IntArray
    table: ThresholdTable | None
    pe: int
    simd: int
    kind: MemoryKind
    part: int | None = None
    order: PixelParts | None = None

    @property
    def is_signed(self) -> bool:
        """Whether the sign of a sum is the result."""
        return self.table is not None and self.table.levels == 1

    @property
    def initial_type(self) -> IntegerType:
        """The type of sums that start at minus a threshold."""
        most = self._domain.type.hi
        return IntegerType(-(most + 1), most, "signed")

    @cached_property
    def words(self) -> NDArray[np.uint8]:
        """The weight memory, uint8 (passes, steps, pe, simd): for each weight, the parity of all -1 of the pass so far.

        The lowest bit of the initial value counts as one more.
        """
        own = self.weights if self.order is None else self.order.ordered(self.weights, self.simd)
        weights = np.where(self._reversed[:, None], -own, own)
        negative = (weights < 0).astype(np.uint8).reshape(len(weights), -1, self.part or self._inputs)
        parities = np.bitwise_xor.accumulate(negative, axis=2)
        if self.part is None:
            parities ^= (self._initial[:, None, None] & 1).astype(np.uint8)
        return parities.reshape(-1, self.pe, self._inputs // self.simd, self.simd).swapaxes(1, 2)

    @property
    def weight_memory(self) -> Memory:
        """The words, PE 0 lowest, each with its inputs in order."""
        return Memory("weights", self.words.reshape(-1, self.pe * self.simd), self.kind)

    @property
    def initial_memory(self) -> Memory | None:
        """The initial values of each pass, PE 0 lowest; None unless they are thresholds."""
        if not self.is_signed:
            return None
        bits = to_bits(self._initial, self.initial_type.bits)
        return Memory("thresholds", bits.reshape(len(self.weights) // self.pe, -1), "distributed")

    @property
    def _inputs(self) -> int:
        return int(self.weights.shape[1])

    @property
    def _domain(self) -> Domain:
        """The counts: doubled where half of a part is no integer."""
        return Domain.counts(self._inputs, 2 if self.part is not None and self.part % 2 else 1)

    @cached_property
    def _initial(self) -> IntArray:
        """int64 (MH,)."""
        outputs = len(self.weights)
        most = self._domain.type.hi
        if self.table is None:
            return np.full(outputs, -((most + 1) // 2))
        if not self.is_signed:
            return np.zeros(outputs, dtype=np.int64)
        thresholds = self._domain.thresholds(self.table.with_rows(outputs).values[:, 0])
        # With opposite weights, counts below T are counts of at least the most + 1 - T.
        return -np.where(self._reversed, most + 1 - thresholds, thresholds)

    @cached_property
    def _reversed(self) -> NDArray[np.bool_]:
        """Channels with opposite weights, bool (MH,)."""
        outputs = len(self.weights)
        if self.table is None or not self.is_signed:
            return np.zeros(outputs, dtype=bool)
        return self.table.with_rows(outputs).decreasing
