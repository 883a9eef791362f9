"""The index of the largest score of a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.hardware import (
    EmulatorKernel,
    HlsTable,
    Memory,
    MemoryBank,
    MemoryKind,
)
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import add_resources, memory_resources, multiplier_resources, queue_resources
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType

_DEEP = 64
"""Words from which a lane's ranks lie in block RAM."""


@dataclass(frozen=True)
class ArgMax(Operator):
    """The first channel whose score compares largest; `lanes` channels a cycle, as they come.

    What is compared is the score x itself, or `factor * x + offset`, or its rank from a table.

    Parameters
    ----------
    port
        The scores, a vector.
    factors, offsets
        int64 (channels,).
    ranks
        int64 (channels, codes), at least 0: for each code of a score; with half as many columns as there are codes, for
        two neighbouring codes, of which one cannot occur.
    """

    port: Port
    factors: IntArray | None = None
    offsets: IntArray | None = None
    ranks: IntArray | None = None

    kind: ClassVar[str] = "arg_max"

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.port,)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((1,), IntegerType(0, max(1, self.port.elements - 1), "unsigned"), 1),)

    @property
    def latency(self) -> int:
        return 4

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self.port.beats)

    def with_inputs(self, *ports: Port) -> ArgMax:
        return replace(self, port=replace(ports[0], shape=self.port.shape))

    def schedule(self) -> Schedule:
        last = self.port.beats - 1
        events = tuple(Event(1, (1,), (int(beat == last),), (int(beat == last),)) for beat in range(self.port.beats))
        return Schedule(events, self.latency, (self.queue,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self._compared(arrays[0].astype(np.int64)).argmax(axis=1, keepdims=True),)

    def _compared(self, x: IntArray) -> IntArray:
        if self.ranks is not None:
            codes = self.port.type.encode(x) >> self.rank_shift
            ranks: IntArray = self.ranks[np.arange(self.port.elements), codes]
            return ranks
        if self.factors is not None and self.offsets is not None:
            return x * self.factors + self.offsets
        return x

    @property
    def rank_shift(self) -> int:
        """Lowest bits of a code that its rank does not depend on: 0 or 1."""
        return 0 if self.ranks is None else self.port.type.bits + 1 - self.ranks.shape[1].bit_length()

    @property
    def compared_type(self) -> IntegerType:
        """Interval of what is compared."""
        if self.ranks is not None:
            return IntegerType(0, int(self.ranks.max()), "signed")
        type = self.port.type
        ends = np.array([[type.lo], [type.hi]], dtype=np.int64)
        values = self._compared(np.broadcast_to(ends, (2, self.port.elements)))
        return IntegerType(int(values.min()), int(values.max()), "signed")

    @property
    def _rank_bits(self) -> int:
        return max(1, self.compared_type.bits - 1)

    @cached_property
    def _affine_memory(self) -> tuple[Memory | None, int, int]:
        """Factors and offsets by beat, lane 0 lowest, the factor below the offset; their widths."""
        if self.factors is None or self.offsets is None:
            return None, 1, 1
        factor_bits = IntegerType(int(self.factors.min()), int(self.factors.max()), "signed").bits
        offset_bits = IntegerType(int(self.offsets.min()), int(self.offsets.max()), "signed").bits
        fields = np.concatenate([to_bits(self.factors, factor_bits), to_bits(self.offsets, offset_bits)], axis=1)
        return Memory("affine", fields.reshape(self.port.beats, -1), "distributed"), factor_bits, offset_bits

    @property
    def _rank_kind(self) -> MemoryKind:
        return "block" if self.ranks is not None and self.port.beats * self.ranks.shape[1] > _DEEP else "distributed"

    @cached_property
    def _rank_memories(self) -> MemoryBank | None:
        """For each lane a word for each beat and code, the beat in the higher bits of the address."""
        if self.ranks is None:
            return None
        words = self.ranks.reshape(self.port.beats, self.port.lanes, -1).transpose(1, 0, 2)
        return MemoryBank.of("ranks", to_bits(words.reshape(self.port.lanes, -1), self._rank_bits), self._rank_kind)

    def resources(self) -> dict[str, int]:
        bits, lanes = self.compared_type.bits, self.port.lanes
        unit = {"lut": 2 * lanes * bits + 20, "ff": (lanes + 2) * bits + 30}
        memory, factor_bits, _ = self._affine_memory
        extra = [] if memory is None else [multiplier_resources(factor_bits, self.port.type.bits, lanes)]
        extra += [memory_resources(memory.words, memory.width, memory.kind) for memory in self.memories()]
        return add_resources(unit, *extra, queue_resources(self.outputs[0].width, self.queue))

    def parameters(self) -> UnitParameters:
        affine, factor_bits, offset_bits = self._affine_memory
        stated = both(
            Lanes=self.port.lanes,
            Beats=self.port.beats,
            InputBits=self.port.type.bits,
            InputSigned=self.port.type.signed,
            ComparedBits=self.compared_type.bits,
            OutputBits=self.outputs[0].type.bits,
        ) + rtl_only(QueueDepth=self.queue)
        if affine is not None:
            stated += rtl_only(Affine=1, FactorBits=factor_bits, OffsetBits=offset_bits, Constants=affine)
        if self._rank_memories is not None:
            stated += rtl_only(Ranked=1, RankShift=self.rank_shift, RankBits=self._rank_bits)
            stated += rtl_only(MemoryKind=self._rank_kind, Ranks=self._rank_memories)
        return stated

    def hls_tables(self) -> tuple[HlsTable, ...]:
        tables = []
        if self.factors is not None and self.offsets is not None:
            for name, values in (("factors", self.factors), ("offsets", self.offsets)):
                bits = IntegerType(int(values.min()), int(values.max()), "signed").bits
                entries = to_bits(values, bits).reshape(self.port.beats, self.port.lanes, bits)
                tables.append(HlsTable(name, entries, True, "distributed"))
        if self._rank_memories is not None:
            entries = np.stack([memory.bits for memory in self._rank_memories.lanes], axis=1)
            tables.append(HlsTable("ranks", entries, False, self._rank_kind))
        return tuple(tables)

    def emulator(self) -> EmulatorKernel:
        if self.ranks is not None:
            return EmulatorKernel("arg_max", {"ranks": self.ranks, "shift": np.array([self.rank_shift])})
        if self.factors is None or self.offsets is None:
            return EmulatorKernel("arg_max")
        return EmulatorKernel("arg_max", {"factors": self.factors, "offsets": self.offsets})
