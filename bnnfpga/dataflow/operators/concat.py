"""Concatenation of two streams along the channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import fifo_terms
from bnnfpga.dataflow.hardware import EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port, divisors, legal_lanes
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class Concat(Operator):
    """Joins two streams pixel by pixel: the channels of the first, then those of the second, `pe` per cycle.

    A `pe` of all channels of a pixel, or a multiple of them, takes whole pixels of both streams in one cycle.

    Parameters
    ----------
    positions
        Pixels of a frame, on any axes.
    channels
        Channels per pixel of each stream.
    type
        The element type of both streams.
    """

    positions: tuple[int, ...]
    channels: tuple[int, int]
    type: IntegerType
    pe: int = 1

    kind: ClassVar[str] = "concat"
    moves: ClassVar[bool] = True

    @property
    def pixels(self) -> int:
        """Whole pixels per beat; 0 if the streams' channels come one after the other."""
        return self.pe // sum(self.channels)

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(
            Port((*self.positions, channels), self.type, channels * self.pixels or self.pe)
            for channels in self.channels
        )

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.positions, sum(self.channels)), self.type, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        channels = sum(self.channels)
        whole = (lanes for lanes in legal_lanes((*self.positions, channels)) if lanes >= channels)
        return (*divisors(math.gcd(*self.channels)), *whole)

    def schedule(self) -> Schedule:
        if self.pixels:
            return Schedule((Event(1, (1, 1), (1,), (1,)),), 1, (2,), (1,))
        first, second = self._beats
        events = (*[Event(1, (1, 0), (1,), (1,))] * first, *[Event(1, (0, 1), (1,), (1,))] * second)
        return Schedule(events, 1, (2,), (1,))

    @property
    def _beats(self) -> tuple[int, int]:
        """Beats per pixel of each stream if they come one after the other; 1 each if they come together."""
        first, second = (1 if self.pixels else channels // self.pe for channels in self.channels)
        return first, second

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (np.concatenate(arrays, axis=-1),)

    def cost_terms(self) -> CostTerms:
        width = self.outputs[0].width
        queue = fifo_terms(width, 2, self.target.family)
        if self.pixels:
            return add_terms(queue, CostTerms({"concat.joined": 1}))
        beat = (max(self._beats) - 1).bit_length()
        return add_terms(queue, CostTerms({"concat.bits": width, "concat.beats": beat + 1}, {"concat.beats": beat + 1}))

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.queue.level",)

    def parameters(self) -> UnitParameters:
        first, second = self._beats
        widths = [port.width // max(1, self.pixels) for port in self.inputs]
        return hls_only(PixelsOfFrame=math.prod(self.positions)) + both(
            Width0=widths[0], Width1=widths[1], Beats0=first, Beats1=second, Pixels=self.pixels
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("concat")
