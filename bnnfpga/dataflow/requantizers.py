"""The hardware forms of step functions by channel; `StoredThresholds` chooses one (docs/dataflow.md, section 6)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.hardware import HlsTable, Memory, MemoryBank
from bnnfpga.dataflow.lane_layout import LaneLayout
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import cheaper_memory
from bnnfpga.dataflow.rom_terms import RomContents, block_terms, memory_words_terms, rom_terms
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.fixed_point_steps import FixedPointSteps
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

RequantizerKind = Literal["comparators", "fixed_point", "search"]
HLS_FORMS: dict[RequantizerKind, int] = {"comparators": 0, "fixed_point": 1, "search": 2}
"""The forms as `hls/bnn/requantizer.hpp` numbers them."""

_SOFT_BITS = 9
"""Bits of a product from which a fixed-point step has a multiplier (`SoftBits` in `rtl/bnn_fixed_point.sv`)."""

_BITS_IN_A_TABLE = 4
"""Bits compared with constants that a table holds."""

_BLOCK_WORDS = 512
"""Words from which a memory of a search is block RAM (`BlockWords` in `rtl/bnn_requantizer.sv`)."""


@dataclass(frozen=True, eq=False)
class Requantizer(ABC):
    """One form of the step functions of a unit."""

    kind: ClassVar[RequantizerKind]

    @property
    @abstractmethod
    def stages(self) -> int:
        """Cycles from values to their results."""

    @abstractmethod
    def logic_levels(self, target: Target) -> int:
        """Logic levels of its longest stage (`Operator.logic_levels`)."""

    @abstractmethod
    def memory(self, layout: LaneLayout) -> Memory | MemoryBank:
        """Its memory, or one for each file."""

    @abstractmethod
    def width(self, layout: LaneLayout) -> int:
        """Bits of a word that is read for all values at once."""

    @abstractmethod
    def parameters(self) -> UnitParameters:
        """Its parameters."""

    @abstractmethod
    def memory_kind(self, layout: LaneLayout) -> MemoryKind:
        """The kind of its memory; if it has memories of both kinds, block."""

    @abstractmethod
    def hls_tables(self, layout: LaneLayout) -> tuple[HlsTable, ...]:
        """Its tables for HLS, (words, lanes, ...), with signed numbers whatever their domain."""

    @abstractmethod
    def cost_terms(self, layout: LaneLayout, target: Target) -> CostTerms:
        """What it costs, memories included."""

    def in_dsp(self, family: str) -> bool:
        """Whether values enter DSP blocks, which may hold them."""
        del family
        return False

    def unread_bits(self, words: int) -> float:
        """Low bits of a value that no threshold looks at, on average of all channels."""
        del words
        return 0.0


@dataclass(frozen=True, eq=False)
class RowRequantizer(Requantizer):
    """A form that reads all it needs for a channel at once, in a row of bits."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits of a row."""

    @abstractmethod
    def rows(self) -> NDArray[np.uint8]:
        """The rows, uint8 (channels, bits), least significant bit first."""

    @abstractmethod
    def logic(self, words: int, target: Target) -> CostTerms:
        """What one value per cycle takes, without the memory of so many words."""

    def width(self, layout: LaneLayout) -> int:
        return layout.lanes * self.bits

    def memory(self, layout: LaneLayout) -> Memory:
        fields = np.broadcast_to(self.rows(), (layout.words * layout.lanes, self.bits))
        return Memory("thresholds", fields.reshape(layout.words, -1), self._kind(layout))

    def memory_kind(self, layout: LaneLayout) -> MemoryKind:
        return self._kind(layout)

    def cost_terms(self, layout: LaneLayout, target: Target) -> CostTerms:
        control = _control_terms(layout.words, self.stages)
        return add_terms(
            self.logic(layout.words, target).times(layout.values), self._memory_terms(layout, target), control
        )

    def _memory_terms(self, layout: LaneLayout, target: Target) -> CostTerms:
        # Thresholds of channels are alike: bits of a word are often equal, or the same in all words.
        fields = np.broadcast_to(self._rows, (layout.words * layout.lanes, self.bits)).reshape(layout.words, -1)
        if self._kind(layout) == "block" and layout.words > 1:
            return block_terms(layout.words, self.memory(layout).varying, target.family)
        return rom_terms(RomContents.of(fields, target), target)

    @cached_property
    def _rows(self) -> NDArray[np.uint8]:
        return self.rows()

    def _kind(self, layout: LaneLayout) -> MemoryKind:
        return layout.kind or cheaper_memory(layout.words, self.width(layout))


@dataclass(frozen=True, eq=False)
class Comparators(RowRequantizer):
    """All thresholds of a channel compared at once.

    Parameters
    ----------
    table
        Thresholds as stored, with a row for each channel.
    type
        The type of a stored threshold.
    """

    table: ThresholdTable
    type: IntegerType

    kind: ClassVar[RequantizerKind] = "comparators"
    stages: ClassVar[int] = 1  # type: ignore[misc]

    def logic_levels(self, target: Target) -> int:
        return target.carry_levels(self.type.bits) + 1 + target.count_levels(self.table.levels)

    @property
    def bits(self) -> int:
        return self.table.levels * self.type.bits + 1

    def rows(self) -> NDArray[np.uint8]:
        """For each channel its thresholds, the lowest first, then its direction."""
        thresholds = to_bits(self.table.values, self.type.bits).reshape(self.table.rows, -1)
        return np.concatenate([thresholds, self.table.decreasing[:, None].astype(np.uint8)], axis=1)

    def parameters(self) -> UnitParameters:
        return rtl_only(Requantizer=self.kind, ThresholdBits=self.type.bits)

    def hls_tables(self, layout: LaneLayout) -> tuple[HlsTable, ...]:
        kind = self._kind(layout)
        thresholds = layout.table("thresholds", self.table.values, _signed_bits(self.type), True, kind)
        return thresholds, layout.directions(self.table, kind)

    def logic(self, words: int, target: Target) -> CostTerms:
        levels, bits = self.table.levels, self.type.bits
        counted = {"comparators.counted": levels - 1}
        registers = {"requantizer.bits": self.table.output.bits}
        if words > 1:
            return CostTerms({"comparators.bits": levels * bits, **counted}, registers)
        # A value of few bits is a table's address; of others, the bits below all ones of a threshold are not looked at.
        tables = self.table.output.bits << max(0, bits - target.lut_inputs)
        compared = (bits - self._lowest_ones()).clip(min=0).sum() / self.table.rows
        if levels > 1 and tables * _BITS_IN_A_TABLE < compared:
            return CostTerms({"comparators.tables": tables}, registers)
        return CostTerms({"comparators.constants": float(compared), **counted}, registers)

    def unread_bits(self, words: int) -> float:
        return float(self._lowest_ones().min(axis=1).mean()) if words == 1 else 0.0

    def _lowest_ones(self) -> IntArray:
        """The place of the lowest one of each threshold."""
        values = self.table.values
        ones = np.where(values == 0, 1 << self.type.bits, values & -values)
        return np.log2(ones).astype(np.int64)


@dataclass(frozen=True, eq=False)
class FixedPoint(RowRequantizer):
    """A product and a sum, of which the bits above the point are the result."""

    steps: FixedPointSteps

    kind: ClassVar[RequantizerKind] = "fixed_point"

    @cached_property
    def factor_bits(self) -> int:
        """Bits of a factor; 0 if all are 1."""
        return 0 if np.all(self.steps.factors == 1) else self.steps.factor_type.bits

    @property
    def sum_bits(self) -> int:
        """Bits of the sum, above the point at least the sign."""
        return max(self.steps.sum_type.bits, self.steps.offset_type.bits, self.steps.shift + 1)

    @property
    def stages(self) -> int:
        return 3 if self.factor_bits else 2

    def logic_levels(self, target: Target) -> int:
        domain = self.steps.domain
        product = target.product_levels(self.factor_bits, IntegerType(domain.lo, domain.hi, "signed").bits)
        # The cut: a tie, the comparison with the last level, the choice.
        return max(product if self.factor_bits else 0, target.carry_levels(self.sum_bits) + 2)

    @property
    def bits(self) -> int:
        return self.steps.offset_type.bits + self.factor_bits

    def rows(self) -> NDArray[np.uint8]:
        """For each channel its offset, then its factor, in two's complement."""
        steps = self.steps
        offsets = to_bits(steps.offsets, steps.offset_type.bits)
        return np.concatenate([offsets, to_bits(steps.factors, self.factor_bits)], axis=1)

    def parameters(self) -> UnitParameters:
        return (
            rtl_only(Requantizer=self.kind, ThresholdBits=self.steps.offset_type.bits)
            + hls_only(Requantizer=HLS_FORMS[self.kind])
            + both(
                FactorBits=self.factor_bits,
                SumBits=self.sum_bits,
                Shift=self.steps.shift,
                Ties=0 if self.steps.tie is None else 1 + self.steps.tie,
            )
        )

    def hls_tables(self, layout: LaneLayout) -> tuple[HlsTable, ...]:
        steps, kind = self.steps, self._kind(layout)
        offsets = layout.table("offsets", steps.offsets, steps.offset_type.bits, True, kind)
        factors = layout.table("factors", steps.factors, self.factor_bits, True, kind) if self.factor_bits else None
        return (offsets,) if factors is None else (offsets, factors)

    @property
    def _product_bits(self) -> tuple[int, int]:
        """Bits of a value as a signed number, and of its product with a factor."""
        domain = self.steps.domain
        value = IntegerType(domain.lo, domain.hi, "signed").bits
        return value, min(self.factor_bits + value, self.sum_bits)

    def in_dsp(self, family: str) -> bool:
        value, product = self._product_bits
        return product >= _SOFT_BITS and product_terms(self.factor_bits, value, product, family).dsp > 0

    def logic(self, words: int, target: Target) -> CostTerms:
        result = self.steps.levels.bit_length()
        whole = max(self.sum_bits - self.steps.shift, result + 2)
        cut = whole + result if self.steps.tie is None else 2 * whole + result
        step = {"fixed_point.sums": self.sum_bits, "fixed_point.cuts": cut}
        if not self.factor_bits:
            return CostTerms(step, {"requantizer.bits": self.sum_bits + result})
        value_bits, product_bits = self._product_bits
        kept = product_bits + self.steps.offset_type.bits + self.sum_bits
        if product_bits < _SOFT_BITS:
            product = CostTerms({"fixed_point.products": self.factor_bits * value_bits})
            return add_terms(product, CostTerms(step, {"requantizer.bits": kept + result}))
        product = product_terms(self.factor_bits, value_bits, product_bits, target.family)
        # A DSP block may have these registers, and the adder.
        step = {"fixed_point.multiplied": self.sum_bits, "fixed_point.cuts": cut}
        return add_terms(product, CostTerms(step, {"requantizer.bits": result, "fixed_point.multiplied": kept}))


@dataclass(frozen=True, eq=False)
class Search(Requantizer):
    """One comparison per cycle, with a memory of its own that the bits found before address.

    Parameters
    ----------
    table
        Thresholds as stored, with a row for each channel.
    type
        The type of a stored threshold.
    """

    table: ThresholdTable
    type: IntegerType

    kind: ClassVar[RequantizerKind] = "search"

    @property
    def stages(self) -> int:
        return self.table.levels.bit_length()

    def logic_levels(self, target: Target) -> int:
        # A comparison whose result addresses the next memory, which takes two levels if it is of tables.
        return target.carry_levels(self.type.bits) + 2

    def width(self, layout: LaneLayout) -> int:
        return 0

    def memory(self, layout: LaneLayout) -> MemoryBank:
        """For each lane and stage the thresholds in the middle of those left, the last ones with the direction."""
        shape = (layout.words, layout.lanes)
        directions = np.broadcast_to(self.table.decreasing, (layout.words * layout.lanes,)).reshape(shape)
        memories: list[Memory] = []
        for lane in range(layout.lanes):
            for stage, middle in enumerate(self._middles(layout)):
                words = to_bits(middle[:, lane], self.type.bits)
                if stage == self.stages - 1:
                    tops = np.repeat(directions[:, lane], 1 << stage).astype(np.uint8)
                    words = np.concatenate([words, tops[:, None]], axis=1)
                name = f"thresholds_{len(memories):03}"
                memories.append(Memory(name, words, self._kind(layout, stage)))
        return MemoryBank("thresholds", tuple(memories))

    def memory_kind(self, layout: LaneLayout) -> MemoryKind:
        return self._kind(layout, self.stages - 1)  # the deepest one

    def _middles(self, layout: LaneLayout) -> list[IntArray]:
        """For each stage the thresholds in the middle of those left, (words << stage, lanes)."""
        # Above all values, so that counts stay within the levels.
        unreached = np.full((self.table.rows, (1 << self.stages) - 1 - self.table.levels), self.type.hi)
        thresholds = np.concatenate([self.table.values, unreached], axis=1)
        thresholds = np.broadcast_to(thresholds, (layout.words * layout.lanes, thresholds.shape[1]))
        by_lane = thresholds.reshape(layout.words, layout.lanes, -1)
        left = [1 << self.stages - stage for stage in range(self.stages)]
        return [by_lane[:, :, n // 2 - 1 :: n].swapaxes(1, 2).reshape(-1, layout.lanes) for n in left]

    def parameters(self) -> UnitParameters:
        own = rtl_only(Requantizer=self.kind, ThresholdBits=self.type.bits)
        return own + hls_only(Requantizer=HLS_FORMS[self.kind])

    def hls_tables(self, layout: LaneLayout) -> tuple[HlsTable, ...]:
        """Directions, and the thresholds of each stage."""
        tables = [layout.directions(self.table, "distributed")]
        for stage, middle in enumerate(self._middles(layout)):
            bits = to_bits(np.tile(middle, (1, layout.pixels)), _signed_bits(self.type))
            tables.append(HlsTable(f"thresholds_{stage}", bits, True, self._kind(layout, stage)))
        return tuple(tables)

    def cost_terms(self, layout: LaneLayout, target: Target) -> CostTerms:
        bits, stages = self.type.bits, self.stages
        memories = [memory_words_terms(memory, target) for memory in self.memory(layout).lanes]
        # A value waits for its comparisons, and what was found for the last of them.
        waiting = (stages - 1) * bits + stages * (stages - 1) // 2
        # The first comparison is with a constant if all channels share it.
        constant = 1 if layout.words == 1 else 0
        lut = {
            "search.bits": (stages - constant) * bits,
            "search.constants": constant * bits,
            "search.results": self.table.output.bits,
        }
        unit = CostTerms(lut, {"requantizer.bits": waiting + self.table.output.bits})
        numbers = CostTerms(ff={"requantizer.control": (stages - 1) * (layout.words - 1).bit_length()})
        control = _control_terms(layout.words, stages)
        # Each value has memories of its own, since it has addresses of its own.
        copies = add_terms(*memories).times(layout.values // layout.lanes)
        return add_terms(unit.times(layout.values), copies, numbers, control)

    def _kind(self, layout: LaneLayout, stage: int) -> MemoryKind:
        deep = layout.words << stage >= _BLOCK_WORDS
        return "block" if deep and layout.kind != "distributed" else "distributed"


def _signed_bits(type: IntegerType) -> int:
    """Bits of the integers of a type in two's complement."""
    return IntegerType(type.lo, type.hi, "signed").bits


def _control_terms(words: int, stages: int) -> CostTerms:
    """The number of the word, and in which stages there are values."""
    bits = (words - 1).bit_length()
    return CostTerms({"counters.bits": bits}, {"requantizer.control": bits + stages + 1})
