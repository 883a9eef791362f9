"""The beats of windows for pools and depthwise units (docs/dataflow.md, sections 3 and 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnfpga.dataflow.schedule import Event
from bnnfpga.dataflow.stream import PixelParts, Port, divisors, legal_lanes
from bnnfpga.numbers.integers import IntegerType


def window_pixels(kernel: tuple[int, int]) -> tuple[int, ...]:
    """Legal numbers of a window's pixels per beat, ascending: a divisor of a kernel row, or whole kernel rows."""
    rows, columns = kernel
    return tuple(sorted({*divisors(columns), *(columns * count for count in divisors(rows))}))


def row_major_lanes(kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Lanes of a window's beats that keep the order of elements, ascending: channels of a pixel, or whole pixels."""
    return tuple(sorted({*divisors(channels), *(channels * count for count in window_pixels(kernel))}))


def window_lanes(kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Legal numbers of a window's elements per beat, ascending: some channels, or all, of one or several pixels."""
    return tuple(sorted({part * count for part in divisors(channels) for count in window_pixels(kernel)}))


def pixels_abreast(kernel: tuple[int, int], channels: int, lanes: int) -> tuple[int, ...]:
    """Of how many pixels so many elements of a window can be, ascending; each has as many of its channels."""
    return tuple(
        pixels for pixels in window_pixels(kernel) if lanes % pixels == 0 and channels % (lanes // pixels) == 0
    )


def pixel_parts(abreast: int, lanes: int, channels: int) -> PixelParts | None:
    """The order of beats with so many elements of each of several pixels of a window, as `Port` has it."""
    return PixelParts(abreast, channels) if abreast > 1 and lanes < abreast * channels else None


@dataclass(frozen=True)
class WindowBeats:
    """The windows of a unit that reduces each to one pixel, channel by channel.

    A cycle works on `pe` output elements and `simd` pixels of each, in a number that divides a kernel row or makes
    whole kernel rows. If `pe` is a multiple of the channels, `simd` is the whole window.

    Parameters
    ----------
    windows
        Windows of a frame, on any axes.
    kernel
        Rows and columns of pixels per window.
    channels
        Channels per pixel.
    """

    windows: tuple[int, ...]
    kernel: tuple[int, int]
    channels: int
    pe: int
    simd: int

    @property
    def taps(self) -> int:
        """Pixels per window."""
        return math.prod(self.kernel)

    @property
    def pixels(self) -> int:
        """Windows per beat."""
        return max(1, self.pe // self.channels)

    @property
    def part(self) -> int:
        """Channels of a pixel per beat."""
        return min(self.pe, self.channels)

    @property
    def chunks(self) -> int:
        """Beats per pixel."""
        return self.channels // self.part

    @property
    def steps(self) -> int:
        """Beats per window for each group of `part` channels."""
        return self.taps // self.simd

    def port(self, type: IntegerType, *, padded: bool) -> Port:
        """The port for the windows; `padded` if beats carry flags for pixels outside the image."""
        flags, lanes = self.pixels * self.simd if padded else 0, self.pe * self.simd
        return Port((*self.windows, self.taps * self.channels), type, lanes, flags, self.parts)

    @property
    def parts(self) -> PixelParts | None:
        """The order of a window's elements; None for row-major."""
        return pixel_parts(self.simd, self.part * self.simd, self.channels)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes((*self.windows, self.channels))

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        return window_pixels(self.kernel) if pe <= self.channels else (self.taps,)

    def interval(self) -> int:
        """Cycles per frame."""
        return math.prod(self.windows) // self.pixels * self.steps * self.chunks

    def events(self) -> tuple[Event, ...]:
        """The events of a window: each takes a beat, and those of its last pixels emit one as well."""
        earlier = [Event(1, (1,), (0,), (0,))] * ((self.steps - 1) * self.chunks)
        last = [Event(1, (1,), (1,), (1,))] * self.chunks
        return (*earlier, *last)
