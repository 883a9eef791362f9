"""What units have in common that sum products of constant weights and elements, and compare the sums."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.thresholds import Domain, StoredThresholds
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, rtl_only
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.dataflow.weights import StoredWeights
from bnnfpga.numbers.exact_arrays import Integers, narrowest, row_blocks
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.sum_types import dot_product_type, weight_type
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class DotProductUnit(Operator):
    """Dot products, or the results of the thresholds merged behind them.

    Parameters
    ----------
    weights
        int64, by output and by the elements that it sums, or the other way round; one bit each where all are -1 or +1,
        else two's complement.
    input_type
        The elements of the input stream.
    """

    weights: IntArray
    input_type: IntegerType

    is_depthwise: ClassVar[bool] = False
    """Whether an output sums elements of its own channel alone; then weights have their outputs in the last axis."""

    @property
    @abstractmethod
    def table(self) -> ThresholdTable | None:
        """Thresholds merged behind the sums; None gives the sums themselves."""

    @property
    @abstractmethod
    def padded(self) -> bool:
        """Whether beats say which of their pixels lie outside the image (`Port.pads`); those are 0."""

    @property
    @abstractmethod
    def count_scale(self) -> int:
        """What an equal bit counts (xnor): 2 where one outside counts half, else 1."""

    @property
    @abstractmethod
    def neurons(self) -> int:
        """Outputs of one vector worked on at once."""

    @property
    @abstractmethod
    def stored_weights(self) -> StoredWeights:
        """The weights as hardware has them."""

    @abstractmethod
    def _summing(self) -> Callable[[Integers], NDArray[Any]]:
        """From vectors, (n, elements), to their sums, (n, outputs): integers in whatever type is fast."""

    @property
    def by_output(self) -> IntArray:
        """The weights, (outputs, products of a sum)."""
        return self.weights.T if self.is_depthwise else self.weights

    @cached_property
    def weight_type(self) -> IntegerType:
        return weight_type(self.weights)

    @property
    def is_xnor(self) -> bool:
        """Whether the unit counts equal bits."""
        return self.weight_type.is_bipolar and self.input_type.is_bipolar

    @cached_property
    def accumulator(self) -> IntegerType:
        """Exact interval of the dot products."""
        return dot_product_type(self.by_output, self.input_type, padded=self.padded)

    @property
    def accumulator_bits(self) -> int:
        """Width of the register that sums: of a count of equal bits, or of the signed sum."""
        return self.stored_thresholds.domain.type.bits

    @cached_property
    def largest_sum(self) -> int:
        """A bound of the magnitude of all partial sums."""
        return max(-self.input_type.lo, self.input_type.hi) * int(np.abs(self.by_output).sum(axis=1).max())

    @property
    def thresholds(self) -> ThresholdTable | None:
        return self.table

    @property
    def weighted_sums(self) -> WeightedSums:
        return WeightedSums(
            self.weights, self.weight_type, self.input_type, self.accumulator, is_depthwise=self.is_depthwise
        )

    def refolded(self, **changes: object) -> Self:
        unit = super().refolded(**changes)
        # Found by looking at all weights, and the same in every folding.
        unit.__dict__.update(weight_type=self.weight_type, accumulator=self.accumulator)
        return unit

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self._results(arrays[0], self.table),)

    def preactivations(self, *arrays: Integers) -> Integers:
        return self._results(arrays[0], None)

    def _results(self, x: Integers, table: ThresholdTable | None) -> Integers:
        """The sums, or what the thresholds make of them."""
        type = table.output if table else self.accumulator
        vectors = x.reshape(-1, self.weighted_sums.vector)
        outputs, summed = len(self.by_output), self._summing()
        results = np.empty((len(vectors), outputs), narrowest(type.lo, type.hi))
        for block in row_blocks(len(vectors), vectors.shape[1] + 2 * outputs):
            sums = summed(vectors[block])
            results[block] = table.execute(sums) if table else sums
        return results.reshape(len(x), *self.outputs[0].shape)

    @cached_property
    def stored_thresholds(self) -> StoredThresholds:
        """The thresholds as hardware has them."""
        outputs, terms = self.by_output.shape
        domain = Domain.counts(terms, self.count_scale) if self.is_xnor else Domain(self.accumulator)
        return StoredThresholds(self.table, domain, outputs, self.neurons)

    def operand_parameters(self) -> UnitParameters:
        """What hardware is told of weights and elements."""
        return both(
            WeightBits=self.weight_type.bits,
            InputBipolar=self.input_type.is_bipolar,
            InputBits=self.input_type.bits,
            InputSigned=self.input_type.signed,
        )

    def result_parameters(self) -> UnitParameters:
        """What it is told of sums and results."""
        return both(AccumulatorBits=self.accumulator_bits) + self.stored_thresholds.parameters(self.outputs[0].type)

    def memory_parameters(self) -> UnitParameters:
        """What it is told of its memories."""
        weights = self.stored_weights
        return rtl_only(MemoryKind=weights.kind, Weights=weights.memory, **self.stored_thresholds.rtl_memories())

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return (self.stored_weights.hls_table(), *self.stored_thresholds.hls_tables())

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(self.kind, {"weights": self.weights, **self.stored_thresholds.emulator_values()})
