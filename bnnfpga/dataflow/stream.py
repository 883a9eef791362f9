"""Ports and streams, which carry one tensor per frame (docs/dataflow.md, section 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class PixelParts:
    """Beats with a part of the channels of several pixels of a window, side by side.

    First come the first channels of the first `abreast` pixels, then their next channels, then the next pixels.

    Parameters
    ----------
    abreast
        Pixels per beat; more than one.
    channels
        Channels per pixel, more than a beat has of each.
    """

    abreast: int
    channels: int

    def order(self, elements: int, lanes: int) -> IntArray:
        """For each of a window's elements in the order of beats, its index in the window: int64 (elements,)."""
        shape = (-1, self.abreast, self.channels * self.abreast // lanes, lanes // self.abreast)
        return np.arange(elements).reshape(shape).swapaxes(1, 2).reshape(-1)

    def ordered(self, rows: IntArray, lanes: int) -> IntArray:
        """Windows, or weights for them, (rows, elements), in the order of beats."""
        return rows[:, self.order(rows.shape[1], lanes)]


@dataclass(frozen=True)
class Port:
    """One end of a stream, as an operator's input or output.

    Parameters
    ----------
    shape
        The tensor of one frame, channels innermost.
    type
        The element type.
    lanes
        Elements per beat: a divisor of the channels of a pixel (the innermost axis), or whole pixels, in a number that
        divides a row (the next axis).
    pads
        Number of flags that a beat carries above its elements: flag f says that the f-th of `pads` equal parts of the
        beat lies outside the image, whatever its bits. In `execute`, those elements hold an integer outside the type,
        usually 0.
    parts
        The order of a window's elements if a beat has several pixels but not all of their channels; None for row-major.
    """

    shape: tuple[int, ...]
    type: IntegerType
    lanes: int
    pads: int = 0
    parts: PixelParts | None = None

    def __post_init__(self) -> None:
        channels = self.shape[-1]
        part = self.lanes >= 1 and channels % self.lanes == 0
        pixels = self.lanes // channels if len(self.shape) > 1 and self.lanes % channels == 0 else 0
        if not part and (pixels < 1 or self.shape[-2] % pixels):
            raise ValueError(f"{self.lanes} lanes are neither a part of a pixel of {self.shape} nor a part of a row")
        if self.pads and self.lanes % self.pads:
            raise ValueError(f"{self.pads} flags do not divide {self.lanes} lanes")

    @property
    def tensor(self) -> str:
        """A frame's shape and element type, in words."""
        return f"{' x '.join(map(str, self.shape))} {self.type}"

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return math.prod(self.shape)

    @property
    def beats(self) -> int:
        """Beats per frame."""
        return self.elements // self.lanes

    @property
    def width(self) -> int:
        """Bits per beat, flags included."""
        return self.lanes * self.type.bits + self.pads

    def carries(self, other: Port, *, any_lanes: bool = False) -> bool:
        """Whether `other` can be the other end of a stream: it has the same beats, though its axes may differ.

        With `any_lanes` the same elements suffice.
        """
        same = (self.elements, self.type, self.pads) == (other.elements, other.type, other.pads)
        return same and self.parts == other.parts and (any_lanes or self.lanes == other.lanes)

    @cached_property
    def order(self) -> IntArray:
        """For each element of the innermost axis in the order of beats, its index: int64 (shape[-1],)."""
        return np.arange(self.shape[-1]) if self.parts is None else self.parts.order(self.shape[-1], self.lanes)

    def in_beats(self, tensor: IntArray) -> IntArray:
        """The elements of tensors, (frames, *shape), in the order of beats: (elements,)."""
        if self.parts is None:
            return tensor.reshape(-1)
        return tensor.reshape(-1, self.shape[-1])[:, self.order].reshape(-1)

    def from_beats(self, elements: IntArray) -> IntArray:
        """The reverse, for whole vectors."""
        if self.parts is None:
            return elements
        return elements.reshape(-1, self.shape[-1])[:, np.argsort(self.order)].reshape(-1)

    @property
    def boundary_bytes(self) -> int:
        """Bytes per beat at the accelerator's boundary."""
        return (self.width + 7) // 8


@lru_cache(maxsize=4096)
def divisors(n: int) -> tuple[int, ...]:
    """All divisors of `n`, ascending."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return tuple(small + [n // d for d in reversed(small) if d * d != n])


@lru_cache(maxsize=4096)
def legal_lanes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The legal lanes of a stream of this shape, ascending."""
    *outer, channels = shape
    pixels = divisors(outer[-1])[1:] if outer else ()
    return (*divisors(channels), *(channels * count for count in pixels))


def lanes_for(minimum: int, shape: tuple[int, ...]) -> int:
    """The smallest legal number of lanes that is at least `minimum`, else the largest legal one."""
    legal = legal_lanes(shape)
    return next((lanes for lanes in legal if lanes >= minimum), legal[-1])


@dataclass(frozen=True, eq=False)
class Frame:
    """The tensor of a boundary stream, independent of the axes of the port there.

    Parameters
    ----------
    shape
        Channels innermost.
    order
        For each element in stream order, its index in the model's flattened tensor: int64 (elements,).
    """

    shape: tuple[int, ...]
    order: IntArray

    @classmethod
    def of(cls, port: Port) -> Frame:
        """A port's own tensor, in its own order."""
        return cls(port.shape, np.arange(port.elements))


@dataclass(frozen=True)
class Stream:
    """An edge of the graph: from the `producer`'s port `output` to the `consumer`'s port `input` (None: outside).

    `port` is the producer's, or the consumer's at the input. `shape` is the model's at the boundary, else the port's.
    """

    name: str
    port: Port
    producer: str | None
    consumer: str | None
    output: int = 0
    input: int = 0
    boundary_shape: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one frame's tensor, channels innermost."""
        return self.port.shape if self.boundary_shape is None else self.boundary_shape
