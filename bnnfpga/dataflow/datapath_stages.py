"""Pipeline stages of a matrix-vector unit from its weights to its sums, and their logic levels."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from bnnfpga.dataflow.target import Target

_WIDE_SUM = 32
"""Operand bits of a step above which its sum takes two stages whatever the clock."""

MAX_DSP_BITS = 24
"""The most bits of a sum in a DSP slice, of which it holds two or, of up to 12 bits, four."""

_DSP_LEVELS = 2
"""Logic levels into the register of a DSP slice."""

_GROUP = 32
"""The inputs of a group that is summed before all groups are, where that takes two stages."""


@dataclass(frozen=True)
class DatapathStages:
    """The stages of a sum of products of a step.

    Parameters
    ----------
    simd
        Products of a step.
    bits
        Operand bits of a product: pairs of bit planes.
    accumulator_bits
        Width of the accumulator.
    target
        The family and clock.
    address_levels
        Logic levels from a step to block RAM with its weights, or through a memory of LUTs to them.
    memory_levels
        Logic levels by which weights come later from their memory than from a register.
    bank_levels
        The same with a second register behind each bank of the memory, of which one is chosen.
    """

    simd: int
    bits: int
    accumulator_bits: int
    target: Target
    address_levels: int
    memory_levels: int
    bank_levels: int

    @property
    def weights(self) -> int:
        """Cycles from a step to its weights.

        Block RAM can have a second register behind it, for what follows, a third one for its address, and, if it has
        several banks, a fourth one behind the choice of one.
        """
        return self._counts[0]

    @property
    def count(self) -> int:
        """Stages in front of the accumulator: those that the width needs, and as many more as the clock asks for."""
        return self._counts[1]

    @property
    def logic_levels(self) -> int:
        """Logic levels of the longest stage."""
        return self._longest(*self._counts)

    @cached_property
    def _counts(self) -> tuple[int, int]:
        sums = range(self._least, max(self._least, self._most) + 1)
        weights = range(1, (4 if self.bank_levels else 3) + 1 if self.memory_levels else 2)
        choices = itertools.product(weights, sums)
        # All that the clock has time for is alike; where it has no time, stages that do not help are left out.
        shortest = sorted(choices, key=lambda counts: (sum(counts), counts))
        return min(shortest, key=lambda counts: max(self._longest(*counts), self.target.levels))

    def _longest(self, weights: int, stages: int) -> int:
        address = self.address_levels if weights < 3 else 0
        if weights == 1:
            return max(address, self._levels(stages, self.memory_levels))
        if weights == 4:
            return max(self.memory_levels, self.bank_levels, self._levels(stages, 0))
        # A register in front of the choice among several banks, which lie apart, is not near its own.
        wires = max(0, self.bank_levels - 1)
        return max(address, self.memory_levels + wires, self._levels(stages, self.bank_levels))

    @property
    def group(self) -> int:
        """Inputs that are summed together before all are, where a form has such groups."""
        return _GROUP

    @property
    def _least(self) -> int:
        """Stages whatever the clock."""
        return 2 if self.simd * self.bits > _WIDE_SUM else 1

    @property
    @abstractmethod
    def _most(self) -> int:
        """The most stages that help."""

    @abstractmethod
    def _levels(self, stages: int, late: int) -> int:
        """Logic levels of the longest of so many stages behind weights that are late by so many."""


@dataclass(frozen=True)
class ComparedStages(DatapathStages):
    """Those whose sums are compared behind an adder that accumulates them.

    Parameters
    ----------
    compare
        Logic levels of what compares the sums.
    """

    compare: int

    @property
    def _sum_levels(self) -> int:
        """Logic levels of the adder, a chain with three operands, and of what compares its sums."""
        return max(self.target.carry_levels(self.accumulator_bits) + 1, self.compare)


@dataclass(frozen=True)
class XnorStages(ComparedStages):
    """Those of `rtl/bnn_xnor_sums.sv`."""

    @property
    def _most(self) -> int:
        return _counter_levels((self.simd + 1) // 2)

    def _levels(self, stages: int, late: int) -> int:
        return max(late + self._count_levels * -(-self._most // stages), self._sum_levels)

    @property
    def _count_levels(self) -> int:
        """Logic levels of a counter of seven inputs, or of an adder of counts."""
        return 2 if self.target.lut_inputs == 6 else 3


@dataclass(frozen=True)
class DspXnorStages(XnorStages):
    """The same with accumulators in DSP slices, whose registers are those of the last stage."""

    @property
    def _most(self) -> int:
        return _counter_height((self.simd + 1) // 2) + 1

    def _levels(self, stages: int, late: int) -> int:
        return max(late + self._count_levels * -(-self._most // stages) + _DSP_LEVELS, self.compare)


@dataclass(frozen=True)
class PaddedXnorStages(XnorStages):
    """Those of `rtl/bnn_padded_xnor_sums.sv`, the first of which ends behind the carries.

    Parameters
    ----------
    flags
        Parts of a step that may be outside the image.
    """

    flags: int

    @property
    def _least(self) -> int:
        return super()._least + 1

    @property
    def _most(self) -> int:
        return 1 + _counter_levels(self._counted)

    def _levels(self, stages: int, late: int) -> int:
        counter = self._count_levels * -(-_counter_levels(self._counted) // (stages - 1))
        return max(late + 1 + self._adders[1], counter, self._sum_levels)

    @property
    def _counted(self) -> int:
        """The carries."""
        return self.flags * (self.simd // self.flags // 2) + self._adders[0]

    @cached_property
    def _adders(self) -> tuple[int, int]:
        """Full adders for the last parities of all parts, and their levels."""
        if self.simd // self.flags % 2 == 0:
            return _full_adders(self.flags, 3)
        # Flags are bits of half the weight.
        halves, levels = _full_adders(self.flags, 3)
        ones, more = _full_adders(self.flags + halves, 2)
        return ones, levels + more


@dataclass(frozen=True)
class ProductStages(DatapathStages):
    """Those of `rtl/bnn_product_sums.sv` for inputs of so many bits that are added or subtracted.

    Parameters
    ----------
    planes
        Bit planes of an input.
    stage_levels
        Logic levels of a stage that sums so many products with weights that are late by so many, and of all behind it.
    """

    planes: int
    stage_levels: Callable[[int, int], int]

    @property
    def _most(self) -> int:
        return self._least

    def _levels(self, stages: int, late: int) -> int:
        """Levels with groups of inputs, which a further stage adds up if there are several."""
        lanes = self.simd * self.planes if stages == 1 else self.group
        groups = -(-self.simd // lanes)
        total = self.target.count_levels(groups) + self.target.carry_levels(self.accumulator_bits)
        counts = self.stage_levels(min(self.simd * self.planes, lanes), late)
        return max(counts, total) if groups > 1 else counts


def _counter_levels(carries: int) -> int:
    """Levels of the counters of so many carries (`rtl/bnn_accumulator.sv`), which may have registers between them."""
    size, levels = 1, 1
    # Two counters, each of so many carries, and two carries more reach the adder.
    while 2 * size + 2 < carries:
        size, levels = 3 * size + 1 if size > 1 else 7, levels + 1
    return levels


def _counter_height(bits: int) -> int:
    """Levels of one counter (`rtl/bnn_counter.sv`)."""
    sizes = (1, 7, 23, 67, 202, 607, 1822, 5467)
    return next((height for height, size in enumerate(sizes) if bits <= size), len(sizes))


def dsp_slices(sums: int, bits: int) -> int:
    """DSP slices that hold so many sums."""
    return -(-sums // (4 if bits <= 12 else 2))


def _full_adders(bits: int, kept: int) -> tuple[int, int]:
    """Full adders that leave so many bits, and their levels (`rtl/bnn_full_adders.sv`)."""
    adders = levels = 0
    while bits > kept:
        side_by_side = min((bits - kept + 1) // 2, bits // 3)
        bits, adders, levels = bits - 2 * side_by_side, adders + side_by_side, levels + 1
    return adders, levels
