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
    queue_depth,
    queue_resources,
)
from bnnfpga.dataflow.operators.window import window_pixels
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.integers import IntArray, IntegerType

PoolFunction = Literal["extremum", "sum"]


@dataclass(frozen=True)
class Pool(Operator):
    """Reduces the pixels of each window to one: makes `pe` elements from `simd` pixels of their windows a cycle.

    A `pe` of all channels can take several pixels of a window, and one of several times the channels takes whole
    windows.

    Parameters
    ----------
    windows
        Rows and columns of windows.
    kernel
        Rows and columns of pixels of a window; they come one after the other, each with all its channels.
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
    kernel: tuple[int, int]
    channels: int
    type: IntegerType
    function: PoolFunction
    smallest: NDArray[np.bool_]
    padded: bool = False
    pe: int = 1
    simd: int = 1

    kind: ClassVar[str] = "pool"

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return math.prod(self.kernel)

    @property
    def pixels(self) -> int:
        """Windows worked on at once."""
        return max(1, self.pe // self.channels)

    @property
    def part(self) -> int:
        """Channels of a pixel in a beat."""
        return min(self.pe, self.channels)

    @property
    def chunks(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.part

    @property
    def steps(self) -> int:
        """Beats of a window, of each part of its channels."""
        return self.taps // self.simd

    @property
    def reduce_stages(self) -> int:
        """1 where the pixels of a beat are reduced in a cycle of its own."""
        return int(self.simd > 1)

    @property
    def latency(self) -> int:
        return 2 + self.reduce_stages

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
        flags = self.pixels * self.simd if self.padded else 0
        return (Port((*self.windows, self.taps * self.channels), self.type, self.pe * self.simd, flags),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.windows, self.channels), self.made, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, self.simd)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes((*self.windows, self.channels))

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        if pe < self.channels:
            return (1,)
        return window_pixels(self.kernel) if pe == self.channels else (self.taps,)

    def interval(self) -> int:
        return math.prod(self.windows) // self.pixels * self.steps * self.chunks

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        taken = [Event(1, (1,), (0,), (0,))] * ((self.steps - 1) * self.chunks)
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
        return Memory("smallest", self.smallest.astype(np.uint8).reshape(self.chunks, self.part), "distributed")

    def resources(self) -> dict[str, int]:
        bits = self.made.bits
        unit = {
            "lut": self.pe * bits * (self.simd + -(-self.chunks // 64)) + 20,
            "ff": self.pe * bits * (1 + self.reduce_stages) + 20,
        }
        return add_resources(unit, queue_resources(self.outputs[0].width, self.queue))

    def rtl(self) -> RtlInstance:
        return RtlInstance(
            "bnn_pool",
            {
                "PE": self.part,
                "Chunks": self.chunks,
                "Steps": self.steps,
                "SIMD": self.simd,
                "Pixels": self.pixels,
                "InputBits": self.type.bits,
                "InputBipolar": int(self.type.is_bipolar),
                "InputSigned": int(self.type.signed),
                "Flags": int(self.padded),
                "Sum": int(self.function == "sum"),
                "OutputBits": self.made.bits,
                "ReduceStages": self.reduce_stages,
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
                "PE": self.part,
                "SIMD": self.simd,
                "Pixels": self.pixels,
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
