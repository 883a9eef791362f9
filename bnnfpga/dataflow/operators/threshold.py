"""Element-wise thresholds on a stream: any monotone integer function of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.elementwise import Unary
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsInstance, Memory, MemoryKind, RtlInstance
from bnnfpga.dataflow.resources import add_resources, memory_resources, queue_resources
from bnnfpga.dataflow.thresholds import Decisions, ThresholdTable, bipolar_sum_to_count
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Threshold(Unary):
    """Compares each element with its channel's thresholds, `pe` elements a cycle.

    `table` has a row for each channel, or one row for all.
    """

    table: ThresholdTable
    memory: MemoryKind = "distributed"

    kind: ClassVar[str] = "threshold"
    latency: ClassVar[int] = 3

    @property
    def made(self) -> IntegerType:
        return self.table.output

    @property
    def thresholds(self) -> ThresholdTable:
        return self.table

    @property
    def rows(self) -> int:
        return len(self.table.values)

    @property
    def steps(self) -> IntArray:
        return np.unique(self.table.values)

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self.table.execute(arrays[0]),)

    def decide(self, *arrays: Integers) -> Decisions:
        return Decisions(arrays[0], self.table)

    @property
    def _rows(self) -> ThresholdTable:
        """One row for all elements, or one for each channel of the pixels of a beat."""
        pixels = self.pe // self.shape[-1]
        return self.table.for_pixels(pixels) if pixels > 1 and len(self.table.values) > 1 else self.table

    def _stored(self) -> tuple[IntArray, int]:
        """Thresholds in the domain of the stream's codes, and their width."""
        if self.input_type.is_bipolar:
            return bipolar_sum_to_count(self._rows.values, 1), 2
        type = IntegerType(self.input_type.lo, self.input_type.hi + 1, self.input_type.encoding)
        return self._rows.values, type.bits

    def _memory(self) -> tuple[Memory, int]:
        stored, bits = self._stored()
        shared = len(stored) == 1
        memory = self._rows.memory(1 if shared else self.pe, stored, bits, self.memory)
        return memory, bits

    def resources(self) -> dict[str, int]:
        memory, bits = self._memory()
        compare = self.pe * self.table.levels * (-(-bits // 2) + 1)
        registers = memory.width * (memory.words > 1) + self.pe * (self.input_type.bits + self.table.output.bits)
        unit = {"lut": compare + 10, "ff": registers + 10}
        stored = memory_resources(memory.words, memory.width, memory.kind)
        return add_resources(unit, stored, queue_resources(self.outputs[0].width, self.queue))

    def rtl(self) -> RtlInstance:
        memory, bits = self._memory()
        return RtlInstance(
            "bnn_threshold",
            {
                "PE": self.pe,
                "Words": memory.words,
                "Shared": int(len(self.table.values) == 1),
                "InputBits": self.input_type.bits,
                "InputSigned": int(self.input_type.signed),
                "Levels": self.table.levels,
                "ThresholdBits": bits,
                "OutputBits": self.table.output.bits,
                "OutputOffset": self.table.offset,
                "QueueDepth": self.queue,
                "MemoryKind": self.memory,
                "Thresholds": memory,
            },
        )

    def hls(self) -> HlsInstance:
        stored, bits = self._stored()
        shared = len(stored) == 1
        signed_bits = bits + int(self.input_type.is_bipolar or self.input_type.lo >= 0)
        channels = max(self.pe, self.shape[-1])
        return HlsInstance(
            "threshold",
            {
                "Channels": channels,
                "Vectors": self.outputs[0].elements // channels,
                "PE": self.pe,
                "Shared": shared,
                "InputBits": self.input_type.bits,
                "InputSigned": self.input_type.signed,
                "Levels": self.table.levels,
                "OutputBits": self.table.output.bits,
                "OutputOffset": self.table.offset,
            },
            tuple(self._rows.hls_tables(1 if shared else self.pe, stored, signed_bits, self.memory)),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("threshold", self.table.emulator_values())
