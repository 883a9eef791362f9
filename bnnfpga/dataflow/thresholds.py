"""How hardware stores thresholds, for every unit that compares (docs/dataflow.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnnfpga.dataflow.hardware import HlsTable, Memory, MemoryKind, RtlParameter
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import memory_resources
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, rtl_only
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
        Copies of these channels per word.
    kind
        The kind of memory.
    """

    table: ThresholdTable | None
    domain: Domain
    channels: int
    lanes: int
    pixels: int = 1
    kind: MemoryKind = "distributed"

    @property
    def levels(self) -> int:
        """Thresholds per channel."""
        return 0 if self.table is None else self.table.levels

    @property
    def offset(self) -> int:
        """The number added to the count to get the code of the result."""
        return 0 if self.table is None or self.table.output.is_bipolar else self.table.output.lo

    @property
    def bits(self) -> int:
        """Bits per threshold."""
        return self.domain.threshold_type.bits

    @property
    def words(self) -> int:
        return self.channels // self.lanes

    @property
    def width(self) -> int:
        """Bits per word: for each channel its thresholds, the lowest first, then its direction."""
        return self.pixels * self.lanes * (self.levels * self.bits + 1) if self.levels else 0

    def parameters(self, output: IntegerType, bits: int | None = None) -> UnitParameters:
        """The hardware parameters for thresholds and results, where results are elements of type `output`.

        `bits` are those of what a module reads in place of thresholds.
        """
        return (
            both(Levels=self.levels)
            + rtl_only(ThresholdBits=bits or self.bits)
            + both(OutputBits=output.bits, OutputOffset=self.offset)
        )

    def rtl_memories(self) -> dict[str, RtlParameter]:
        """The memories for RTL, by the name of the parameter."""
        return {} if self._memory is None else {"Thresholds": self._memory}

    @cached_property
    def _memory(self) -> Memory | None:
        rows = self._rows
        if rows is None:
            return None
        thresholds = to_bits(self.domain.thresholds(rows.values), self.bits).reshape(self.channels, -1)
        fields = np.concatenate([thresholds, rows.decreasing[:, None].astype(np.uint8)], axis=1)
        return Memory("thresholds", np.tile(fields.reshape(self.words, -1), (1, self.pixels)), self.kind)

    def hls_tables(self) -> tuple[HlsTable, ...]:
        """The tables for HLS: thresholds, signed whatever their domain, and directions, each (words, lanes, ...)."""
        rows, type = self._rows, self.domain.threshold_type
        if rows is None:
            return ()
        bits = IntegerType(type.lo, type.hi, "signed").bits
        thresholds = to_bits(self.domain.thresholds(rows.values), bits).reshape(self.words, self.lanes, -1, bits)
        directions = rows.decreasing.astype(np.uint8).reshape(self.words, self.lanes, 1)
        return (
            HlsTable("thresholds", np.tile(thresholds, (1, self.pixels, 1, 1)), True, self.kind),
            HlsTable("decreasing", np.tile(directions, (1, self.pixels, 1)), False, self.kind),
        )

    def emulator_values(self) -> dict[str, int | IntArray]:
        """The values for the emulator's kernels: thresholds on the sums or elements themselves, by channel."""
        rows = self._rows
        if rows is None:
            return {"levels": 0}
        return {"levels": self.levels, "thresholds": rows.values, "decreasing": rows.decreasing.astype(np.int64)}

    def resources(self) -> dict[str, int]:
        """Estimate for the memory."""
        return memory_resources(self.words, self.width, self.kind) if self.levels else {}

    @cached_property
    def _rows(self) -> ThresholdTable | None:
        return None if self.table is None else self.table.with_rows(self.channels)


def bipolar_sum_to_count(values: IntArray, terms: int, scale: int = 1) -> IntArray:
    """Thresholds on `scale` times the count of +1, rounded up, from ones on the sum of `terms` values of -1 or +1."""
    return -((-scale * (values + terms)) // 2)
