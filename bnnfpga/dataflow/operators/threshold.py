"""Element-wise thresholds: any monotone integer function per channel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.elementwise import Unary
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.thresholds import Domain, StoredThresholds
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class Threshold(Unary):
    """Compares each element with its channel's thresholds, `pe` elements per cycle.

    Parameters
    ----------
    table
        Thresholds with one row per channel, or one row for all.
    memory
        The kind of their memory.
    requantizer
        How elements become results; None for the cheapest way.
    """

    table: ThresholdTable
    memory: MemoryKind = "distributed"
    requantizer: RequantizerKind | None = field(default=None, kw_only=True)

    kind: ClassVar[str] = "threshold"
    is_monotone: ClassVar[bool] = True

    @property
    def latency(self) -> int:
        return 2 + self.stored_thresholds.stages

    @property
    def requantizer_kinds(self) -> tuple[RequantizerKind, ...]:
        return self.stored_thresholds.forms

    @property
    def logic_levels(self) -> int:
        return max(3, self.stored_thresholds.logic_levels(self.target))

    @property
    def result_type(self) -> IntegerType:
        return self.table.output

    @property
    def thresholds(self) -> ThresholdTable:
        return self.table

    @property
    def rows(self) -> int:
        return self.table.rows

    @property
    def steps(self) -> IntArray:
        return np.unique(self.table.values)

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self.table.execute(arrays[0]),)

    def preactivations(self, *arrays: Integers) -> Integers:
        return arrays[0]

    @cached_property
    def stored_thresholds(self) -> StoredThresholds:
        domain, channels = Domain.elements(self.input_type), self.shape[-1]
        pixels = 1 if self.rows == 1 else max(1, self.pe // channels)
        channels, lanes = (1, 1) if self.rows == 1 else (channels, self.pe // pixels)
        return StoredThresholds(
            self.table, domain, channels, lanes, pixels, self.pe, self.memory, self.requantizer, self.target
        )

    @property
    def suited_memory(self) -> MemoryKind:
        return replace(self.stored_thresholds, memory=None).kind

    def cost_terms(self) -> CostTerms:
        stored, target = self.stored_thresholds, self.target
        # A value waits for its thresholds.
        held = "threshold.multiplied" if stored.requantizer.in_dsp(target.family) else "threshold.bits"
        bits = self.input_type.bits - stored.requantizer.unread_bits(stored.words)
        kept = CostTerms({"threshold.units": 1}, {held: self.pe * max(0, bits)})
        queue = output_queue_terms(self.outputs[0].width, self.queue, target.family)
        return add_terms(kept, stored.cost_terms(), queue)

    def parameters(self) -> UnitParameters:
        channels = max(self.pe, self.shape[-1])
        return (
            hls_only(Channels=channels, Vectors=self.outputs[0].elements // channels)
            + both(PE=self.pe)
            + rtl_only(Words=self.stored_thresholds.words, Rows=self.stored_thresholds.lanes)
            + hls_only(Shared=self.rows == 1)
            + both(InputBits=self.input_type.bits, InputSigned=self.input_type.signed)
            + self.stored_thresholds.parameters(self.result_type)
            + rtl_only(QueueDepth=self.queue, MemoryKind=self.memory)
            + self.stored_thresholds.rtl_memories()
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return self.stored_thresholds.hls_tables()

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("threshold", self.stored_thresholds.emulator_values())
