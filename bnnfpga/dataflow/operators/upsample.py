"""Nearest upsampling: each pixel again and again, along its row and row after row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.arrays import Integers
from bnnfpga.dataflow.line_buffer import buffer_depth, buffer_kind, buffer_resources
from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    Event,
    HlsInstance,
    Operator,
    RtlInstance,
    Schedule,
    add_resources,
    queue_depth,
    queue_resources,
)
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Upsample(Operator):
    """Makes `factors` rows and columns of each, every pixel a copy of the one that it lies in; `pe` channels a cycle.

    Parameters
    ----------
    image
        Rows and columns of the image taken.
    channels
        Channels of a pixel.
    type
        The elements.
    factors
        How often each row and each column comes.
    """

    image: tuple[int, int]
    channels: int
    type: IntegerType
    factors: tuple[int, int] = (2, 2)
    pe: int = 1

    kind: ClassVar[str] = "upsample"
    latency: ClassVar[int] = 2

    @property
    def chunks(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.pe

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.image, self.channels), self.type, self.pe),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        rows, columns = (size * factor for size, factor in zip(self.image, self.factors, strict=True))
        return (Port((rows, columns, self.channels), self.type, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return divisors(self.channels)

    def _row(self) -> tuple[IntArray, IntArray]:
        """For each beat sent from a row of the image, how many of the row's beats it needs, and how many go with it.

        Counted from the row's first beat. A beat goes when it has been sent for the last time.
        """
        rows, columns = self.factors
        shape = (rows, self.image[1], columns, self.chunks)
        again, column, repeat, chunk = (axis.reshape(-1) for axis in np.indices(shape))
        beat = column * self.chunks + chunk
        last = (again == rows - 1) & (repeat == columns - 1)
        return beat + 1, np.maximum.accumulate(np.where(last, beat + 1, 0))

    @cached_property
    def depth(self) -> int:
        """Beats of the line buffer."""
        need, release = self._row()
        return buffer_depth(need, release, self.image[1] * self.chunks, len(need))

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        need, release = self._row()
        before = np.concatenate([[0], release[:-1]])
        events = tuple(
            Event(1, (leaving,), (1,), (1,), (missing,))
            for missing, leaving in zip((need - before).tolist(), (release - before).tolist(), strict=True)
        )
        front = Schedule((Event(1, (1,), (1,), (1,)),), 1, (self.depth,), (1,))
        return Schedule(events, self.latency, (self.queue,), (1,), front)

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        rows, columns = self.factors
        return (arrays[0].repeat(rows, axis=1).repeat(columns, axis=2),)

    def resources(self) -> dict[str, int]:
        width = self.inputs[0].width
        counters = 4 * max(4, self.depth.bit_length())
        unit = {"lut": 2 * counters, "ff": width + counters}
        return add_resources(unit, buffer_resources(width, self.depth), queue_resources(width, self.queue))

    def rtl(self) -> RtlInstance:
        return RtlInstance(
            "bnn_upsample",
            {
                "Width": self.inputs[0].width,
                "Columns": self.image[1],
                "Chunks": self.chunks,
                "RowFactor": self.factors[0],
                "ColumnFactor": self.factors[1],
                "Depth": self.depth,
                "QueueDepth": self.queue,
                "MemoryKind": buffer_kind(self.inputs[0].width, self.depth),
            },
        )

    def hls(self) -> HlsInstance:
        return HlsInstance(
            "upsample",
            {
                "Rows": self.image[0],
                "Columns": self.image[1],
                "Chunks": self.chunks,
                "RowFactor": self.factors[0],
                "ColumnFactor": self.factors[1],
                "Width": self.inputs[0].width,
                "Depth": self.depth,
            },
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(
            "upsample",
            {"image": np.array(self.image, dtype=np.int64), "factors": np.array(self.factors, dtype=np.int64)},
        )
