"""The base of units that compute dot products with constant weights and optionally compare them with thresholds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.paired_luts import stored
from bnnfpga.dataflow.requantizers import RequantizerKind
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
    """Dot products, or the results of the thresholds merged into the unit.

    Parameters
    ----------
    weights
        int64 (outputs, products of a sum), or transposed in a depthwise unit; stored in one bit each if all are -1 or
        +1, else in two's complement.
    input_type
        The element type of the input stream.
    requantizer
        How sums become results; None for the cheapest way.
    """

    weights: IntArray
    input_type: IntegerType
    requantizer: RequantizerKind | None = field(default=None, kw_only=True)

    is_depthwise: ClassVar[bool] = False
    """Whether an output sums only elements of its own channel; then the last axis of the weights is the outputs'."""

    @property
    @abstractmethod
    def table(self) -> ThresholdTable | None:
        """Thresholds on the sums; None if the unit sends the sums themselves."""

    @property
    @abstractmethod
    def padded(self) -> bool:
        """Whether beats carry flags for pixels outside the image (`Port.pads`), which count as 0."""

    @property
    @abstractmethod
    def count_scale(self) -> int:
        """The increment for an equal bit (xnor): 2 where a bit outside the image counts half, else 1."""

    @property
    @abstractmethod
    def neurons(self) -> int:
        """Outputs of one vector computed in parallel."""

    @property
    @abstractmethod
    def stored_weights(self) -> StoredWeights:
        """The weights as stored in hardware."""

    @abstractmethod
    def _summing(self) -> Callable[[Integers], NDArray[Any]]:
        """A function from vectors, (n, elements), to their sums, (n, outputs): integers, in whatever type is fast."""

    @property
    def by_output(self) -> IntArray:
        """The weights, (outputs, products of a sum)."""
        return self.weights.T if self.is_depthwise else self.weights

    @cached_property
    def weight_type(self) -> IntegerType:
        return weight_type(self.weights)

    @property
    def is_xnor(self) -> bool:
        """Whether the unit counts equal bits instead of adding products."""
        return self.weight_type.is_bipolar and self.input_type.is_bipolar

    @cached_property
    def accumulator(self) -> IntegerType:
        """The exact interval of the dot products."""
        return dot_product_type(self.by_output, self.input_type, padded=self.padded)

    @property
    def accumulator_bits(self) -> int:
        """Width of the accumulator register: of a count of equal bits, or of the signed sum."""
        return self.stored_thresholds.domain.type.bits

    @cached_property
    def largest_sum(self) -> int:
        """An upper bound on the magnitude of all partial sums."""
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
        names = [field.name for field in fields(self)]
        if unknown := changes.keys() - set(names):
            raise TypeError(f"{self.name} has no {', '.join(sorted(unknown))}")
        # Both depend on all weights but not on the folding: keep them, and have them before the copy is checked.
        kept = {"weight_type": self.weight_type, "accumulator": self.accumulator}
        unit = object.__new__(type(self))
        unit.__dict__.update({name: getattr(self, name) for name in names} | changes | kept)
        unit.__post_init__()
        return unit

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self._results(arrays[0], self.table),)

    def preactivations(self, *arrays: Integers) -> Integers:
        return self._results(arrays[0], None)

    def _results(self, x: Integers, table: ThresholdTable | None) -> Integers:
        """The sums, or the results of the thresholds on them."""
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
        """The thresholds as stored in hardware."""
        outputs, terms = self.by_output.shape
        domain = Domain.counts(terms, self.count_scale) if self.is_xnor else Domain(self.accumulator)
        return StoredThresholds(
            self.table,
            domain,
            outputs,
            self.neurons,
            values=self.outputs[0].lanes,
            form=self.requantizer_form,
            target=self.target,
        )

    @property
    def requantizer_form(self) -> RequantizerKind | None:
        """How sums become results in the library's module; None for the cheapest way."""
        return self.requantizer

    @property
    def requantizer_kinds(self) -> tuple[RequantizerKind, ...]:
        return self.stored_thresholds.forms

    @property
    def memory_levels(self) -> int:
        """Logic levels of the output of the memory of weights: what it is later than a register's."""
        weights = self.stored_weights
        return self.target.block_levels if weights.kind == "block" and weights.words > 1 else 0

    def stage_levels(self, operands: int, late: int) -> int:
        """Logic levels of its longest stage, with a sum of so many products in one (`Operator.logic_levels`).

        The weights of that stage are `late` by so many levels; the accumulator and the thresholds have their own.
        """
        bits, own = self.input_type.bits, self.weight_type.bits
        product = 1 if own == 1 else self.target.product_levels(own, bits)
        terms = operands if own == 1 else operands * 2
        sums = late + product + self.target.count_levels(terms)
        accumulate = self.target.carry_levels(self.accumulator_bits) + 1
        return max(sums, accumulate, self.stored_thresholds.logic_levels(self.target))

    def operand_parameters(self) -> UnitParameters:
        """The hardware parameters for weights and input elements."""
        return both(
            WeightBits=self.weight_type.bits,
            InputBipolar=self.input_type.is_bipolar,
            InputBits=self.input_type.bits,
            InputSigned=self.input_type.signed,
        )

    def result_parameters(self) -> UnitParameters:
        """The hardware parameters for sums and results."""
        return both(AccumulatorBits=self.accumulator_bits) + self.stored_thresholds.parameters(self.outputs[0].type)

    def memory_parameters(self) -> UnitParameters:
        """The hardware parameters for the memories."""
        weights = stored(self.target, Weights=self.stored_weights.memory)
        return rtl_only(MemoryKind=self.stored_weights.kind) + weights + self.stored_thresholds.memory_parameters()

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return (self.stored_weights.hls_table(), *self.stored_thresholds.hls_tables())

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(self.kind, {"weights": self.weights, **self.stored_thresholds.emulator_values()})
