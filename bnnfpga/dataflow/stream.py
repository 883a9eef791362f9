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
    """

    shape: tuple[int, ...]
    type: IntegerType
    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1 or self.shape[-1] % self.lanes:
            raise ValueError(f"{self.lanes} lanes do not divide the {self.shape[-1]} channels of {self.shape}")

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
        return self.lanes * self.type.bits

    @property
    def boundary_bytes(self) -> int:
        """Bytes a beat takes at the accelerator's boundary."""
        return (self.width + 7) // 8


@dataclass(frozen=True)
class Stream:
    """An edge of the graph: from `producer`'s port to `consumer`'s (None: the outer world)."""

    name: str
    port: Port
    producer: str | None
    consumer: str | None
