"""The index of the largest score of a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    Event,
    HlsInstance,
    HlsTable,
    Memory,
    Operator,
    RtlInstance,
    Schedule,
    add_resources,
    queue_depth,
    queue_resources,
)
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.stream import Port
from bnnfpga.integers import IntArray, IntegerType


@dataclass(frozen=True)
class ArgMax(Operator):
    """Where `factor * x + offset` is largest, the first such channel; `lanes` channels a cycle, as they come.

    Parameters
    ----------
    port
        The scores, a vector.
    factors, offsets
        int64 (channels,), or None to compare the scores themselves.
    """

    port: Port
    factors: IntArray | None = None
    offsets: IntArray | None = None

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
        return replace(self, port=ports[0])

    def schedule(self) -> Schedule:
        last = self.port.beats - 1
        events = tuple(Event(1, (1,), (int(beat == last),), (int(beat == last),)) for beat in range(self.port.beats))
        return Schedule(events, self.latency, (self.queue,), (1,))

    def execute(self, *arrays: IntArray) -> tuple[IntArray, ...]:
        return (self._compared(arrays[0]).argmax(axis=1, keepdims=True),)

    def _compared(self, x: IntArray) -> IntArray:
        if self.factors is None or self.offsets is None:
            return x
        return x * self.factors + self.offsets

    @property
    def compared_type(self) -> IntegerType:
        """Interval of what is compared."""
        type = self.port.type
        ends = np.array([[type.lo], [type.hi]], dtype=np.int64)
        values = self._compared(np.broadcast_to(ends, (2, self.port.elements)))
        return IntegerType(int(values.min()), int(values.max()), "signed")

    def _memory(self) -> tuple[Memory | None, int, int]:
        """Factors and offsets by beat, lane 0 lowest, the factor below the offset; their widths."""
        if self.factors is None or self.offsets is None:
            return None, 1, 1
        factor_bits = IntegerType(int(self.factors.min()), int(self.factors.max()), "signed").bits
        offset_bits = IntegerType(int(self.offsets.min()), int(self.offsets.max()), "signed").bits
        fields = np.concatenate([to_bits(self.factors, factor_bits), to_bits(self.offsets, offset_bits)], axis=1)
        return Memory("affine", fields.reshape(self.port.beats, -1), "distributed"), factor_bits, offset_bits

    def resources(self) -> dict[str, int]:
        bits, lanes = self.compared_type.bits, self.port.lanes
        memory, factor_bits, _ = self._memory()
        multiply = lanes * factor_bits * self.port.type.bits if memory else 0
        unit = {"lut": 2 * lanes * bits + multiply + 20, "ff": (lanes + 2) * bits + 30, "bram18": 0}
        return add_resources(unit, queue_resources(self.outputs[0].width, self.queue))

    def rtl(self) -> RtlInstance:
        memory, factor_bits, offset_bits = self._memory()
        parameters: dict[str, int | str | Memory] = {
            "Lanes": self.port.lanes,
            "Beats": self.port.beats,
            "InputBits": self.port.type.bits,
            "InputSigned": int(not self.port.type.is_bipolar and self.port.type.signed),
            "ComparedBits": self.compared_type.bits,
            "Affine": int(memory is not None),
            "FactorBits": factor_bits,
            "OffsetBits": offset_bits,
            "OutputBits": self.outputs[0].type.bits,
            "QueueDepth": self.queue,
        }
        if memory is not None:
            parameters["Constants"] = memory
        return RtlInstance("bnn_arg_max", parameters)

    def hls(self) -> HlsInstance:
        parameters = {
            "Lanes": self.port.lanes,
            "Beats": self.port.beats,
            "InputBits": self.port.type.bits,
            "InputSigned": self.port.type.signed,
            "OutputBits": self.outputs[0].type.bits,
        }
        if self.factors is None or self.offsets is None:
            return HlsInstance("arg_max", parameters)
        tables = []
        for name, values in (("factors", self.factors), ("offsets", self.offsets)):
            bits = IntegerType(int(values.min()), int(values.max()), "signed").bits
            entries = to_bits(values, bits).reshape(self.port.beats, self.port.lanes, bits)
            tables.append(HlsTable(name, entries, True, "distributed"))
        return HlsInstance("arg_max", parameters, tuple(tables))

    def emulator(self) -> EmulatorKernel:
        if self.factors is None or self.offsets is None:
            return EmulatorKernel("arg_max")
        return EmulatorKernel("arg_max", {"factors": self.factors, "offsets": self.offsets})
