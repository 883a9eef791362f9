"""Element-wise functions of narrow integers, from a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.elementwise import Unary
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable, Memory, MemoryBank
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.rom_terms import RomContents, memory_words_terms
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers, narrowest, row_blocks
from bnnfpga.numbers.integers import IntArray, IntegerType

_DEEP = 1024
"""Words of a lane's tables above which they are stored in block RAM, if they serve several channels."""


@dataclass(frozen=True)
class Lookup(Unary):
    """An integer function of every element: one for all channels, or one per channel.

    Each lane has a table of its own. A shared function is combinational logic, which synthesis minimises; otherwise the
    tables of a lane's channels are stored in one memory.

    Parameters
    ----------
    table
        int64 (2 ** input bits,), the result for each code that the stream can carry; or (channels, 2 ** input bits).
    output_type
        A type that holds every result.
    """

    table: IntArray
    output_type: IntegerType

    kind: ClassVar[str] = "lookup"

    @property
    def latency(self) -> int:
        return 2

    @property
    def result_type(self) -> IntegerType:
        return self.output_type

    @property
    def is_shared(self) -> bool:
        """Whether one function serves all channels."""
        return self.table.ndim == 1

    @property
    def groups(self) -> int:
        """Channels per lane, whose beats come one after the other; 1 if they share a function."""
        return 1 if self.is_shared else max(1, self.shape[-1] // self.pe)

    @property
    def rows(self) -> int:
        return 1 if self.is_shared else self.shape[-1]

    @cached_property
    def steps(self) -> IntArray:
        codes = np.arange(self.input_type.lo, self.input_type.hi + 1)
        results = self.execute(np.broadcast_to(codes[:, None], (len(codes), self.rows)))[0]
        return codes[1:][np.any(np.diff(results.astype(np.int64), axis=0) != 0, axis=1)]

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        table = self.table.astype(narrowest(self.output_type.lo, self.output_type.hi))
        results = np.empty(arrays[0].shape, table.dtype)
        channels = self.rows
        into, values = results.reshape(-1, channels), arrays[0].reshape(-1, channels)
        rows, own = np.arange(channels), table.reshape(channels, -1)
        for block in row_blocks(len(values), channels):
            into[block] = own[rows, self.input_type.encode(values[block].astype(np.int64))]
        return (results,)

    def preactivations(self, *arrays: Integers) -> Integers:
        return arrays[0]

    @property
    def _memory_kind(self) -> MemoryKind:
        return "block" if self.groups << self.input_type.bits > _DEEP else "distributed"

    @property
    def logic_levels(self) -> int:
        words = self.groups << self.input_type.bits
        if self.groups > 1 and self._memory_kind == "block":
            return self.target.block_levels
        # One LUT, and multiplexers of four for two more bits each.
        return max(3, 1 + -(-max(0, (words - 1).bit_length() - self.target.lut_inputs) // 2))

    @property
    def _lanes(self) -> IntArray:
        """The results for each lane, (lanes, groups * codes), its channels one after the other."""
        by_pixel = np.tile(self.table, (max(1, self.pe // self.shape[-1]), 1))
        return by_pixel.reshape(self.groups, self.pe, -1).transpose(1, 0, 2).reshape(self.pe, -1)

    def _bits(self, results: IntArray) -> np.ndarray:
        return to_bits(self.output_type.encode(results), self.output_type.bits)

    def cost_terms(self) -> CostTerms:
        target = self.target
        group = (self.groups - 1).bit_length()
        unit = CostTerms({"lookup.units": 1, "lookup.groups": group}, {"lookup.bits": group + 1})
        queue = output_queue_terms(self.outputs[0].width, self.queue, target.family)
        if self.groups > 1 and self._memory_kind == "block":
            return add_terms(unit, *(memory_words_terms(memory, target) for memory in self.memories()), queue)
        lanes = self.table[None] if self.is_shared else self._lanes
        tables = [_table_terms(self._bits(lane), target) for lane in lanes]
        return add_terms(unit, *(tables * self.pe if self.is_shared else tables), queue)

    @cached_property
    def _memory(self) -> Memory | MemoryBank:
        """The table that all lanes share, or the tables of each lane."""
        if self.is_shared:
            return Memory("table", self._bits(self.table), "distributed")
        return MemoryBank.of("tables", self._bits(self._lanes), self._memory_kind)

    def parameters(self) -> UnitParameters:
        parameters = (
            hls_only(Beats=self.outputs[0].beats)
            + both(PE=self.pe, InputBits=self.input_type.bits, OutputBits=self.output_type.bits)
            + rtl_only(QueueDepth=self.queue)
        )
        if self.is_shared:
            return parameters + rtl_only(Table=self._memory)
        return parameters + both(Groups=self.groups) + rtl_only(MemoryKind=self._memory_kind, Tables=self._memory)

    def hls_tables(self) -> tuple[HlsTable, ...]:
        if self.is_shared:
            return (HlsTable("table", self._bits(self.table), False, "distributed"),)
        return (HlsTable("tables", self._bits(self._lanes).transpose(1, 0, 2), False, self._memory_kind),)

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(
            "lookup", {"table": self.table.reshape(-1), "channels": self.table.size >> self.input_type.bits}
        )


def _table_terms(words: NDArray[np.uint8], target: Target) -> CostTerms:
    """A table in logic, of which synthesis makes what differs, and the register behind it."""
    contents = RomContents.of(words, target)
    parts = -(-len(words) // (1 << target.lut_inputs))
    return CostTerms(
        {"lookup.tables": contents.tables, "lookup.choices": contents.bits * (parts - 1)},
        {"lookup.bits": contents.bits},
    )
