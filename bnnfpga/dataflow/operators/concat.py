"""The channels of two streams side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    Event,
    HlsInstance,
    Operator,
    RtlInstance,
    Schedule,
    add_resources,
    queue_resources,
)
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Concat(Operator):
    """Joins two streams pixel by pixel: the channels of the first one, then those of the second one, `pe` a cycle.

    Parameters
    ----------
    positions
        Pixels of a frame, any axes.
    channels
        Channels of a pixel of each stream.
    type
        The elements of both.
    """

    positions: tuple[int, ...]
    channels: tuple[int, int]
    type: IntegerType
    pe: int = 1

    kind: ClassVar[str] = "concat"

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(Port((*self.positions, channels), self.type, self.pe) for channels in self.channels)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.positions, sum(self.channels)), self.type, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return divisors(math.gcd(*self.channels))

    def schedule(self) -> Schedule:
        first, second = (channels // self.pe for channels in self.channels)
        events = (*[Event(1, (1, 0), (1,), (1,))] * first, *[Event(1, (0, 1), (1,), (1,))] * second)
        return Schedule(events, 1, (2,), (1,))

    def execute(self, *arrays: IntArray) -> tuple[IntArray, ...]:
        return (np.concatenate(arrays, axis=-1),)

    def resources(self) -> dict[str, int]:
        width = self.outputs[0].width
        unit = {"lut": -(-width // 2) + 10, "ff": 10}
        return add_resources(unit, queue_resources(width, 2))

    def rtl(self) -> RtlInstance:
        first, second = (channels // self.pe for channels in self.channels)
        return RtlInstance(
            "bnn_concat",
            {"Width": self.outputs[0].width, "Beats0": first, "Beats1": second},
            levels=("{unit}.queue.level",),
        )

    def hls(self) -> HlsInstance:
        first, second = (channels // self.pe for channels in self.channels)
        return HlsInstance(
            "concat",
            {"Pixels": math.prod(self.positions), "Width": self.outputs[0].width, "Beats0": first, "Beats1": second},
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("concat")
