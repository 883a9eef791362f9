"""How hardware stores thresholds, for every unit that compares (docs/dataflow.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from bnnfpga.dataflow.cost_coefficients import coefficients
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.hardware import HlsTable, Memory, MemoryBank
from bnnfpga.dataflow.lane_layout import LaneLayout
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.paired_luts import stored
from bnnfpga.dataflow.requantizers import Comparators, FixedPoint, Requantizer, RequantizerKind, Search
from bnnfpga.dataflow.resources import LUTS_PER_BRAM18, area
from bnnfpga.dataflow.target import DEFAULT_TARGET, Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.fixed_point_steps import fixed_point_steps
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class Domain:
    """The integers that a unit compares with thresholds.

    Parameters
    ----------
    type
        Their interval, and the encoding of the register that holds them.
    terms
        If the integers count the +1 among values of -1 or +1 whose sum the thresholds are on: the number of values;
        else 0.
    scale
        The increment of that count for each +1.
    """

    type: IntegerType
    terms: int = 0
    scale: int = 1

    @classmethod
    def counts(cls, terms: int, scale: int = 1) -> Domain:
        """The domain of sums of `terms` values of -1 or +1, held as counts."""
        return cls(IntegerType.interval(0, scale * terms), terms, scale)

    @classmethod
    def elements(cls, type: IntegerType) -> Domain:
        """The domain of a stream's elements; for bipolar ones, their bits."""
        return cls.counts(1) if type.is_bipolar else cls(type)

    @property
    def threshold_type(self) -> IntegerType:
        """The type of thresholds, which may lie one above the largest integer compared."""
        return IntegerType(self.type.lo, self.type.hi + 1, self.type.encoding)

    def thresholds(self, values: IntArray) -> IntArray:
        """The stored thresholds for thresholds on the sums or elements themselves."""
        return bipolar_sum_to_count(values, self.terms, self.scale) if self.terms else values


@dataclass(frozen=True)
class StoredThresholds:
    """The thresholds of a unit, as stored for its memory, its HLS tables and its emulator kernel.

    Parameters
    ----------
    table
        The thresholds; None if the unit sends its sums instead of comparing them.
    domain
        The integers that they are compared with.
    channels
        Rows stored: one for each channel of the unit, or one shared by all.
    lanes
        Channels per word, lane 0 lowest; a divisor of the channels.
    pixels
        Copies of these channels per word of a table for HLS.
    values
        Results per cycle.
    memory
        The kind of memory; None for the cheaper one.
    form
        How hardware applies them; None for the cheapest way of those that are the nearest to the clock goal.
    target
        The FPGA family and the clock goal.
    """

    table: ThresholdTable | None
    domain: Domain
    channels: int
    lanes: int
    pixels: int = 1
    values: int = 1
    memory: MemoryKind | None = None
    form: RequantizerKind | None = None
    target: Target = DEFAULT_TARGET

    @property
    def levels(self) -> int:
        """Thresholds per channel."""
        return 0 if self.table is None else self.table.levels

    @property
    def offset(self) -> int:
        """The number added to the count to get the code of the result."""
        return 0 if self.table is None or self.table.output.is_bipolar else self.table.output.lo

    @property
    def words(self) -> int:
        return self.channels // self.lanes

    @property
    def width(self) -> int:
        """Bits of a word that is read for all values at once."""
        return self.requantizer.width(self._layout) if self.levels else 0

    @property
    def kind(self) -> MemoryKind:
        """The kind of the memories."""
        if self.memory is not None or self.levels <= 1:
            return self.memory or "distributed"
        return self.requantizer.memory_kind(self._layout)

    @property
    def stages(self) -> int:
        """Cycles from sums or elements to results."""
        return self.requantizer.stages if self.levels else 0

    def logic_levels(self, target: Target) -> int:
        """Logic levels of its longest stage (`Operator.logic_levels`)."""
        if not self.levels:
            return 0
        late = target.block_levels if self.kind == "block" and self.words > 1 else 0
        return late + self.requantizer.logic_levels(target)

    @property
    def forms(self) -> tuple[RequantizerKind, ...]:
        """The forms that give the same results; empty if there is nothing to choose."""
        return tuple(form.kind for form in self._forms) if len(self._forms) > 1 else ()

    @cached_property
    def requantizer(self) -> Requantizer:
        """The form that hardware has."""
        return _priced(self)[0]

    def _price(self) -> tuple[Requantizer, CostTerms]:
        forms = [form for form in self._forms if self.form in (None, form.kind)]
        priced = [(form, form.cost_terms(self._layout, self.target)) for form in forms]
        return min(priced, key=lambda pair: self._cost(*pair))

    def _cost(self, form: Requantizer, terms: CostTerms) -> tuple[int, float]:
        """Logic levels that the clock has no time for, then area."""
        late = max(0, form.logic_levels(self.target) - self.target.levels)
        return late, area(coefficients(self.target.family).cost(terms), LUTS_PER_BRAM18)

    def parameters(self, output: IntegerType) -> UnitParameters:
        """The hardware parameters for thresholds and results, where results are elements of type `output`."""
        form = self.requantizer.parameters() if self.levels else UnitParameters()
        # A function template has those of the form last, since they have defaults.
        own = both(Levels=self.levels) + rtl_only(**form.rtl)
        return own + self.code_parameters(output) + hls_only(**form.hls)

    def code_parameters(self, output: IntegerType) -> UnitParameters:
        """The part of the hardware parameters that says how results are stored."""
        return both(OutputBits=output.bits, OutputOffset=self.offset)

    def memory_parameters(self) -> UnitParameters:
        """The hardware parameters for the memory; empty without thresholds."""
        kind = rtl_only(ThresholdMemory=self.kind) if self.levels else UnitParameters()
        return kind + self.rtl_memories()

    def rtl_memories(self) -> UnitParameters:
        """The parameters of RTL for the memories themselves."""
        return stored(self.target, Thresholds=self._memory) if self.levels else UnitParameters()

    @cached_property
    def _memory(self) -> Memory | MemoryBank:
        return self.requantizer.memory(self._layout)

    @property
    def _layout(self) -> LaneLayout:
        memory = self.memory if self.levels > 1 else self.memory or "distributed"
        return LaneLayout(self.words, self.lanes, self.values, memory, self.pixels)

    def hls_tables(self) -> tuple[HlsTable, ...]:
        """The tables for HLS, (words, lanes, ...); a search has more words behind the first one."""
        return self.requantizer.hls_tables(self._layout) if self.levels else ()

    def emulator_values(self) -> dict[str, int | IntArray]:
        """The values for the emulator's kernels: thresholds on the sums or elements themselves, by channel."""
        if self.table is None:
            return {"levels": 0}
        rows = self.table.with_rows(self.channels)
        return {"levels": self.levels, "thresholds": rows.values, "decreasing": rows.decreasing.astype(np.int64)}

    def cost_terms(self) -> CostTerms:
        """What they cost, memories included."""
        return _priced(self)[1] if self.levels else CostTerms()

    @property
    def _stored(self) -> ThresholdTable | None:
        return None if self.table is None else _in_domain(self.table, self.domain)

    @cached_property
    def _forms(self) -> tuple[Requantizer, ...]:
        if self._stored is None:
            return ()
        steps = None if self.levels == 1 else _fixed_point_steps(self._stored, self.domain.type)
        type = self.domain.threshold_type
        always = (Comparators(self._stored, type), *([Search(self._stored, type)] if self.levels > 1 else []))
        return always if steps is None else (*always, FixedPoint(steps))


@lru_cache(maxsize=1024)
def _priced(stored: StoredThresholds) -> tuple[Requantizer, CostTerms]:
    """The form that hardware has, and what it costs: the same for all inputs that a unit can have."""
    return stored._price()


@lru_cache(maxsize=256)
def _in_domain(table: ThresholdTable, domain: Domain) -> ThresholdTable:
    return ThresholdTable(domain.thresholds(table.values), table.decreasing, table.output)


# The same in all foldings of a unit.
_fixed_point_steps = lru_cache(maxsize=256)(fixed_point_steps)


def bipolar_sum_to_count(values: IntArray, terms: int, scale: int = 1) -> IntArray:
    """Thresholds on `scale` times the count of +1, rounded up, from ones on the sum of `terms` values of -1 or +1."""
    return -((-scale * (values + terms)) // 2)
