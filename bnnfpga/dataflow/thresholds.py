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
        Their interval, and how the register that holds them is read.
    terms
        Where they count the +1 among so many values of -1 or +1, of which the thresholds limit the sum; else 0.
    scale
        What one of these +1 counts.
    """

    type: IntegerType
    terms: int = 0
    scale: int = 1

    @classmethod
    def counts(cls, terms: int, scale: int = 1) -> Domain:
        """That of sums of `terms` values of -1 or +1."""
        return cls(IntegerType.interval(0, scale * terms), terms, scale)

    @classmethod
    def elements(cls, type: IntegerType) -> Domain:
        """That of the elements of a stream; of bipolar ones, the bits."""
        return cls.counts(1) if type.is_bipolar else cls(type)

    @property
    def threshold_type(self) -> IntegerType:
        """Of the thresholds, one of which may lie above all that is compared."""
        return IntegerType(self.type.lo, self.type.hi + 1, self.type.encoding)

    def thresholds(self, values: IntArray) -> IntArray:
        """Those to compare with, for thresholds on what the unit's integers stand for."""
        return bipolar_sum_to_count(values, self.terms, self.scale) if self.terms else values


@dataclass(frozen=True)
class StoredThresholds:
    """The thresholds of a unit as its memory, its HLS tables and its emulator kernel have them.

    Parameters
    ----------
    table
        What they are; None where the unit gives what it would compare.
    domain
        What they are compared with.
    channels
        Rows that are stored: one for each channel of the unit, or one that serves all.
    lanes
        Channels that a word has side by side, lane 0 lowest; they divide the channels.
    pixels
        How often a word has its channels side by side.
    kind
        Of the memory.
    """

    table: ThresholdTable | None
    domain: Domain
    channels: int
    lanes: int
    pixels: int = 1
    kind: MemoryKind = "distributed"

    @property
    def levels(self) -> int:
        """Thresholds of a channel."""
        return 0 if self.table is None else self.table.levels

    @property
    def offset(self) -> int:
        """What is added to the count to get the code of the result."""
        return 0 if self.table is None or self.table.output.is_bipolar else self.table.output.lo

    @property
    def bits(self) -> int:
        """Of a threshold."""
        return self.domain.threshold_type.bits

    @property
    def words(self) -> int:
        return self.channels // self.lanes

    @property
    def width(self) -> int:
        """Bits of a word: for each channel its thresholds, the lowest first, then its direction."""
        return self.pixels * self.lanes * (self.levels * self.bits + 1) if self.levels else 0

    def parameters(self, output: IntegerType) -> UnitParameters:
        """What hardware is told of them, and of the results, elements of type `output`."""
        return (
            both(Levels=self.levels)
            + rtl_only(ThresholdBits=self.bits)
            + both(OutputBits=output.bits, OutputOffset=self.offset)
        )

    def rtl_memories(self) -> dict[str, RtlParameter]:
        """What RTL reads, by the name of its parameter."""
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
        """What HLS reads: thresholds, signed whatever their domain, and directions, each (words, lanes, ...)."""
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
        """What the emulator's kernels take: thresholds on what the unit's integers stand for, by channel."""
        rows = self._rows
        if rows is None:
            return {"levels": 0}
        return {"levels": self.levels, "thresholds": rows.values, "decreasing": rows.decreasing.astype(np.int64)}

    def resources(self) -> dict[str, int]:
        """Estimate of the memory."""
        return memory_resources(self.words, self.width, self.kind) if self.levels else {}

    @cached_property
    def _rows(self) -> ThresholdTable | None:
        return None if self.table is None else self.table.with_rows(self.channels)


def bipolar_sum_to_count(values: IntArray, terms: int, scale: int = 1) -> IntArray:
    """Thresholds on a sum of `terms` values of -1 or +1, as thresholds on `scale` times the count of +1, rounded up."""
    return -((-scale * (values + terms)) // 2)
