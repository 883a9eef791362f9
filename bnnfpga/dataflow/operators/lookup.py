"""Any function of a narrow element, from a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.arrays import Integers, narrowest, row_blocks
from bnnfpga.dataflow.elementwise import Elementwise
from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    HlsInstance,
    HlsTable,
    Memory,
    RtlInstance,
    add_resources,
    queue_resources,
)
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.thresholds import Decisions
from bnnfpga.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Lookup(Elementwise):
    """The same integer function of every element, each with a table of its own.

    The table is small combinational logic to a synthesis tool, which makes of it as little as the function allows.

    Parameters
    ----------
    table
        int64 (2 ** input bits,), the result for each code that the stream can carry.
    output_type
        Holds every result.
    """

    table: IntArray
    output_type: IntegerType

    kind: ClassVar[str] = "lookup"
    latency: ClassVar[int] = 2

    @property
    def made(self) -> IntegerType:
        return self.output_type

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        table = self.table.astype(narrowest(self.output_type.lo, self.output_type.hi))
        results = np.empty(arrays[0].shape, table.dtype)
        into, values = results.reshape(-1), arrays[0].reshape(-1)
        for block in row_blocks(len(values), 1):
            into[block] = table[self.input_type.encode(values[block].astype(np.int64))]
        return (results,)

    def decide(self, *arrays: Integers) -> Decisions:
        return Decisions(arrays[0], None)

    def resources(self) -> dict[str, int]:
        # A function of up to 6 bits is one lookup table a result bit, each bit more doubles that at the most.
        tables = self.output_type.bits * 2 ** max(0, self.input_type.bits - 6)
        unit = {"lut": self.pe * tables + 10, "ff": self.pe * self.output_type.bits + 10}
        return add_resources(unit, queue_resources(self.outputs[0].width, self.queue))

    def rtl(self) -> RtlInstance:
        bits = to_bits(self.output_type.encode(self.table), self.output_type.bits)
        return RtlInstance(
            "bnn_lookup",
            {
                "PE": self.pe,
                "InputBits": self.input_type.bits,
                "OutputBits": self.output_type.bits,
                "QueueDepth": self.queue,
                "Table": Memory("table", bits, "distributed"),
            },
        )

    def hls(self) -> HlsInstance:
        bits = to_bits(self.output_type.encode(self.table), self.output_type.bits)
        return HlsInstance(
            "lookup",
            {
                "Beats": self.outputs[0].beats,
                "PE": self.pe,
                "InputBits": self.input_type.bits,
                "OutputBits": self.output_type.bits,
            },
            (HlsTable("table", bits, False, "distributed"),),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("lookup", {"table": self.table})
