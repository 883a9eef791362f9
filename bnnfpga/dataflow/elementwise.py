"""What units have in common that take one beat and make one beat, `pe` elements at a time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class Elementwise(Operator):
    """An operator on each element by itself; subclasses say what it does.

    Parameters
    ----------
    shape
        One frame's tensor.
    input_type
        The elements taken.
    pe
        Elements a cycle: channels of a pixel, or all of some pixels.
    """

    shape: tuple[int, ...]
    input_type: IntegerType
    pe: int = field(default=1, kw_only=True)

    latency: ClassVar[int]
    """Cycles from taking a beat to offering its result."""

    @property
    @abstractmethod
    def made(self) -> IntegerType:
        """The elements made."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.input_type, self.pe),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.made, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes(self.shape)

    @property
    def queue(self) -> int:
        """Beats that its output queue holds."""
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), self.latency, (self.queue,), (1,))
