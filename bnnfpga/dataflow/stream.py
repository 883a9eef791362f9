"""Ports and streams: one tensor a frame, some lanes wide (docs/dataflow.md, section 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Port:
    """What one side of an operator takes or makes.

    Parameters
    ----------
    shape
        One frame's tensor, channels innermost.
    type
        The element type.
    lanes
        Elements a beat: a part of a pixel (the innermost axis) that divides it, or whole pixels, a part of a row (the
        axis outside it).
    pads
        Flags that a beat carries above its elements: flag f says that the f-th of `pads` equal parts of the beat lies
        outside the image, whatever its bits. As integers, those elements are one that is not of the type, mostly 0.
    """

    shape: tuple[int, ...]
    type: IntegerType
    lanes: int
    pads: int = 0

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
        """What a frame is, in words: its shape and element type."""
        return f"{' x '.join(map(str, self.shape))} {self.type}"

    @property
    def elements(self) -> int:
        """Elements a frame."""
        return math.prod(self.shape)

    @property
    def beats(self) -> int:
        """Beats a frame."""
        return self.elements // self.lanes

    @property
    def width(self) -> int:
        """Bits a beat."""
        return self.lanes * self.type.bits + self.pads

    def carries(self, other: Port, *, any_lanes: bool = False) -> bool:
        """Whether the other side of a stream may be `other`: the same beats, whatever the axes of their elements.

        With `any_lanes` the same elements are enough.
        """
        same = (self.elements, self.type, self.pads) == (other.elements, other.type, other.pads)
        return same and (any_lanes or self.lanes == other.lanes)

    @property
    def boundary_bytes(self) -> int:
        """Bytes a beat takes at the accelerator's boundary."""
        return (self.width + 7) // 8


def divisors(n: int) -> tuple[int, ...]:
    """All divisors of `n`, ascending."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return tuple(small + [n // d for d in reversed(small) if d * d != n])


def legal_lanes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The lanes that a stream of a tensor can have, ascending."""
    *outer, channels = shape
    pixels = divisors(outer[-1])[1:] if outer else ()
    return (*divisors(channels), *(channels * count for count in pixels))


def lanes_for(wanted: int, shape: tuple[int, ...]) -> int:
    """The fewest legal lanes of a stream that are `wanted` or more, else the most that there are."""
    legal = legal_lanes(shape)
    return next((lanes for lanes in legal if lanes >= wanted), legal[-1])


@dataclass(frozen=True, eq=False)
class Frame:
    """The tensor that a boundary stream carries, whatever the axes by which the unit there takes or makes it.

    Parameters
    ----------
    shape
        Channels innermost.
    order
        For each element in the order of the stream, its place in the model's flattened tensor: int64 (elements,).
    """

    shape: tuple[int, ...]
    order: IntArray

    @classmethod
    def of(cls, port: Port) -> Frame:
        """What a port has, in the order in which that has it."""
        return cls(port.shape, np.arange(port.elements))


@dataclass(frozen=True)
class Stream:
    """An edge of the graph: from `producer`'s port number `output` to `consumer`'s number `input` (None: outside).

    `shape` is that of the tensor that it carries: at the boundary the model's, else that of the port that makes it.
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
        """One frame's tensor, channels innermost."""
        return self.port.shape if self.boundary_shape is None else self.boundary_shape
