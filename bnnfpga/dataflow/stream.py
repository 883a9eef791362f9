"""Ports and streams: one tensor a frame, some lanes wide (docs/dataflow.md, section 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnfpga.integers import IntegerType


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
        Elements a beat; divides the innermost axis.
    pads
        Flags that a beat carries above its elements: flag f says that the f-th of `pads` equal parts of the beat lies
        outside the image, whatever its bits. As integers, those elements are one that is not of the type, mostly 0.
    """

    shape: tuple[int, ...]
    type: IntegerType
    lanes: int
    pads: int = 0

    def __post_init__(self) -> None:
        if self.lanes < 1 or self.shape[-1] % self.lanes:
            raise ValueError(f"{self.lanes} lanes do not divide the {self.shape[-1]} channels of {self.shape}")
        if self.pads and self.lanes % self.pads:
            raise ValueError(f"{self.pads} flags do not divide {self.lanes} lanes")

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

    def carries(self, other: Port) -> bool:
        """Whether the other side of a stream may be `other`: the same beats, whatever the axes of their elements."""
        return (self.elements, self.type, self.lanes, self.pads) == (
            other.elements,
            other.type,
            other.lanes,
            other.pads,
        )

    @property
    def boundary_bytes(self) -> int:
        """Bytes a beat takes at the accelerator's boundary."""
        return (self.width + 7) // 8


@dataclass(frozen=True)
class Stream:
    """An edge of the graph: from `producer`'s port number `output` to `consumer`'s number `input` (None: outside)."""

    name: str
    port: Port
    producer: str | None
    consumer: str | None
    output: int = 0
    input: int = 0
