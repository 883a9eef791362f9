"""Pooling: the largest, the smallest or the sum of the pixels of a window, channel by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

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
    divisors,
    queue_depth,
    queue_resources,
)
from bnnfpga.dataflow.stream import Port
from bnnfpga.integers import IntArray, IntegerType

PoolFunction = Literal["extremum", "sum"]


@dataclass(frozen=True)
class Pool(Operator):
    """Reduces the `taps` pixels of each window to one, `pe` channels a cycle.

    Parameters
    ----------
    windows
        Rows and columns of windows.
    taps
        Pixels of a window; they come one after the other, each with all its channels.
    channels
        Channels of a pixel.
    type
        The elements.
    function
        `extremum`, of the pixels inside the image, or `sum`.
    smallest
        bool (channels,): where an extremum is the smallest, as it must be behind a decreasing threshold.
    padded
        Whether beats say which pixels lie outside (`Port.pads`). To an extremum, any integer that is none of the type
        is such a pixel; to a sum, it is 0.
    """

    windows: tuple[int, ...]
    taps: int
    channels: int
    type: IntegerType
    function: PoolFunction
    smallest: NDArray[np.bool_]
    padded: bool = False
    pe: int = 1

    kind: ClassVar[str] = "pool"
    latency: ClassVar[int] = 2

    @property
    def chunks(self) -> int:
        return self.channels // self.pe

    @property
    def made(self) -> IntegerType:
        if self.function == "extremum":
            return self.type
        low, high = self.type.lo, self.type.hi
        if self.padded:
            low, high = min(low, 0), max(high, 0)
        return IntegerType(self.taps * low, self.taps * high, "signed")

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.windows, self.taps * self.channels), self.type, self.pe, int(self.padded)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.windows, self.channels), self.made, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return divisors(self.channels)

    def interval(self) -> int:
        return math.prod(self.windows) * self.taps * self.chunks

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        taken = [Event(1, (1,), (0,), (0,))] * ((self.taps - 1) * self.chunks)
        made = [Event(1, (1,), (1,), (1,))] * self.chunks
        return Schedule((*taken, *made), self.latency, (self.queue,), (1,))

    def execute(self, *arrays: IntArray) -> tuple[IntArray, ...]:
        pixels = arrays[0].reshape(len(arrays[0]), *self.windows, self.taps, self.channels)
        if self.function == "sum":
            return (pixels.sum(axis=-2),)
        if not self.padded:
            return (np.where(self.smallest, pixels.min(axis=-2), pixels.max(axis=-2)),)
        outside = ~self.type.holds(pixels)
        low = np.where(outside, self.type.lo, pixels).max(axis=-2)
        high = np.where(outside, self.type.hi, pixels).min(axis=-2)
        return (np.where(self.smallest, high, low),)

    def _directions(self) -> Memory:
        return Memory("smallest", self.smallest.astype(np.uint8).reshape(self.chunks, self.pe), "distributed")

    def resources(self) -> dict[str, int]:
        bits = self.made.bits
        unit = {
            "lut": self.pe * bits * (1 + -(-self.chunks // 64)) + 20,
            "ff": self.pe * bits + 20,
        }
        return add_resources(unit, queue_resources(self.outputs[0].width, self.queue))

    def rtl(self) -> RtlInstance:
        return RtlInstance(
            "bnn_pool",
            {
                "PE": self.pe,
                "Chunks": self.chunks,
                "Taps": self.taps,
                "InputBits": self.type.bits,
                "InputBipolar": int(self.type.is_bipolar),
                "InputSigned": int(self.type.signed),
                "Flags": int(self.padded),
                "Sum": int(self.function == "sum"),
                "OutputBits": self.made.bits,
                "QueueDepth": self.queue,
                "Smallest": self._directions(),
            },
        )

    def hls(self) -> HlsInstance:
        return HlsInstance(
            "pool",
            {
                "Channels": self.channels,
                "Windows": math.prod(self.windows),
                "Taps": self.taps,
                "PE": self.pe,
                "InputBits": self.type.bits,
                "InputBipolar": self.type.is_bipolar,
                "InputSigned": self.type.signed,
                "Flagged": self.padded,
                "Sum": self.function == "sum",
                "OutputBits": self.made.bits,
            },
            (HlsTable("smallest", self._directions().bits[:, :, None], False, "distributed"),),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(
            "pool",
            {
                "taps": self.taps,
                "sum": int(self.function == "sum"),
                "smallest": self.smallest.astype(np.int64),
                "lo": self.type.lo,
                "hi": self.type.hi,
                "bipolar": int(self.type.is_bipolar),
            },
        )
