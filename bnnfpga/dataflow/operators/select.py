"""A choice of channels in any order: split, slice, shuffle, repetition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.arrays import Integers
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
from bnnfpga.dataflow.stream import Port, lanes_for
from bnnfpga.integers import IntegerType


@dataclass(frozen=True)
class Select(Operator):
    """Channel `c` of a pixel made is channel `index[c]` of the pixel taken; a beat has whole pixels.

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
    pixels
        Pixels of a beat; one where beats have flags.
    """

    positions: tuple[int, ...]
    channels: int
    index: tuple[int, ...]
    type: IntegerType
    padded: bool = False
    pixels: int = 1

    kind: ClassVar[str] = "select"

    def __post_init__(self) -> None:
        if not self.index or min(self.index) < 0 or max(self.index) >= self.channels:
            raise ValueError(f"{self.name}: {self.index} are not channels of {self.channels}")

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.positions, self.channels), self.type, self.pixels * self.channels, int(self.padded)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        made = len(self.index)
        return (Port((*self.positions, made), self.type, self.pixels * made, int(self.padded)),)

    def with_inputs(self, *ports: Port) -> Select:
        return self if self.padded else replace(self, pixels=max(1, ports[0].lanes // self.channels))

    def in_front_of(self, interval: int, *ports: Port) -> Select:
        del interval
        if self.padded:
            return self
        lanes = lanes_for(ports[0].lanes, self.outputs[0].shape)
        return replace(self, pixels=max(1, lanes // len(self.index)))

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), 1, (2,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0][..., self.index],)

    @property
    def _beat_index(self) -> tuple[int, ...]:
        """`index` for the elements of a beat."""
        return tuple(self.channels * pixel + channel for pixel in range(self.pixels) for channel in self.index)

    @property
    def _index_bits(self) -> int:
        return max(1, (self.inputs[0].lanes - 1).bit_length())

    def resources(self) -> dict[str, int]:
        return queue_resources(self.outputs[0].width, 2)

    def rtl(self) -> RtlInstance:
        return RtlInstance(
            "bnn_select",
            {
                "Inputs": self.inputs[0].lanes,
                "Outputs": self.outputs[0].lanes,
                "ElementBits": self.type.bits,
                "Flags": int(self.padded),
                "IndexBits": self._index_bits,
                "Index": RtlVector(self._beat_index, self._index_bits),
            },
            levels=("{unit}.queue.level",),
        )

    def hls(self) -> HlsInstance:
        index = to_bits(np.array(self._beat_index), self._index_bits)[None]
        return HlsInstance(
            "select",
            {
                "Beats": self.outputs[0].beats,
                "Inputs": self.inputs[0].lanes,
                "Outputs": self.outputs[0].lanes,
                "ElementBits": self.type.bits,
                "Flagged": self.padded,
            },
            (HlsTable("index", index, False, "distributed"),),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("select", {"index": np.array(self.index, dtype=np.int64)})
