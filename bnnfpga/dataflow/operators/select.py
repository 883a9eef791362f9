"""A choice of channels in any order: split, slice, shuffle, repetition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    Event,
    HlsInstance,
    HlsTable,
    Operator,
    RtlInstance,
    RtlVector,
    Schedule,
    queue_resources,
)
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.stream import Port
from bnnfpga.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Select(Operator):
    """Channel `c` of a pixel made is channel `index[c]` of the pixel taken; a beat is a pixel.

    Parameters
    ----------
    positions
        Pixels of a frame, any axes.
    channels
        Channels of a pixel taken.
    index
        Channels of a pixel made; any may be left out or come more than once.
    type
        The elements.
    padded
        Whether beats say that their pixel lies outside the image (`Port.pads`).
    """

    positions: tuple[int, ...]
    channels: int
    index: tuple[int, ...]
    type: IntegerType
    padded: bool = False

    kind: ClassVar[str] = "select"

    def __post_init__(self) -> None:
        if not self.index or min(self.index) < 0 or max(self.index) >= self.channels:
            raise ValueError(f"{self.name}: {self.index} are no channels of {self.channels}")

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.positions, self.channels), self.type, self.channels, int(self.padded)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        made = len(self.index)
        return (Port((*self.positions, made), self.type, made, int(self.padded)),)

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), 1, (2,), (1,))

    def execute(self, *arrays: IntArray) -> tuple[IntArray, ...]:
        return (arrays[0][..., self.index],)

    @property
    def _index_bits(self) -> int:
        return max(1, (self.channels - 1).bit_length())

    def resources(self) -> dict[str, int]:
        return queue_resources(self.outputs[0].width, 2)

    def rtl(self) -> RtlInstance:
        return RtlInstance(
            "bnn_select",
            {
                "Inputs": self.channels,
                "Outputs": len(self.index),
                "ElementBits": self.type.bits,
                "Flags": int(self.padded),
                "IndexBits": self._index_bits,
                "Index": RtlVector(self.index, self._index_bits),
            },
            levels=("{unit}.queue.level",),
        )

    def hls(self) -> HlsInstance:
        index = to_bits(np.array(self.index), self._index_bits)[None]
        return HlsInstance(
            "select",
            {
                "Pixels": self.outputs[0].beats,
                "Inputs": self.channels,
                "Outputs": len(self.index),
                "ElementBits": self.type.bits,
                "Flagged": self.padded,
            },
            (HlsTable("index", index, False, "distributed"),),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("select", {"index": np.array(self.index, dtype=np.int64)})
