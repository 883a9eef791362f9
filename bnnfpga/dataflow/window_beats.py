"""How windows come beat by beat to the units that read them (docs/dataflow.md, sections 3 and 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnfpga.dataflow.schedule import Event
from bnnfpga.dataflow.stream import Port, divisors, legal_lanes
from bnnfpga.numbers.integers import IntegerType


def window_pixels(kernel: tuple[int, int]) -> tuple[int, ...]:
    """How many pixels of a window a beat can have, ascending: a part of a kernel row, or whole kernel rows."""
    rows, columns = kernel
    return tuple(sorted({*divisors(columns), *(columns * count for count in divisors(rows))}))


def window_lanes(kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Elements of one window that a beat can have, ascending: channels of a pixel, or whole pixels."""
    return tuple(sorted({*divisors(channels), *(channels * count for count in window_pixels(kernel))}))


@dataclass(frozen=True)
class WindowBeats:
    """To a unit that makes one pixel of each, channel by channel: `pe` elements from `simd` pixels each a cycle.

    A `pe` of all channels can take several pixels of a window, and one of several times the channels takes whole
    windows.

    Parameters
    ----------
    windows
        Windows of a frame, any axes.
    kernel
        Rows and columns of pixels of a window.
    channels
        Channels of a pixel.
    """

    windows: tuple[int, ...]
    kernel: tuple[int, int]
    channels: int
    pe: int
    simd: int

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return math.prod(self.kernel)

    @property
    def pixels(self) -> int:
        """Windows of a beat."""
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

    def port(self, type: IntegerType, *, padded: bool) -> Port:
        """The stream of the windows; `padded` where flags say which of their pixels lie outside the image."""
        flags = self.pixels * self.simd if padded else 0
        return Port((*self.windows, self.taps * self.channels), type, self.pe * self.simd, flags)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes((*self.windows, self.channels))

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        if pe < self.channels:
            return (1,)
        return window_pixels(self.kernel) if pe == self.channels else (self.taps,)

    def interval(self) -> int:
        """Cycles a frame."""
        return math.prod(self.windows) // self.pixels * self.steps * self.chunks

    def events(self) -> tuple[Event, ...]:
        """Those of a window: a beat is taken in each, and made in those of its last pixels."""
        earlier = [Event(1, (1,), (0,), (0,))] * ((self.steps - 1) * self.chunks)
        last = [Event(1, (1,), (1,), (1,))] * self.chunks
        return (*earlier, *last)
