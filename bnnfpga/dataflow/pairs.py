"""What units that join two streams element by element have in common."""

from __future__ import annotations

from abc import abstractmethod

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.numbers.integers import IntegerType


class Pairs(Operator):
    """A unit that takes an element of each of two streams of one shape and makes one of both, `pe` a cycle."""

    shape: tuple[int, ...]
    types: tuple[IntegerType, IntegerType]
    pe: int
    latency: int

    @property
    @abstractmethod
    def made(self) -> IntegerType:
        """Exact interval of what it makes."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(Port(self.shape, type, self.pe) for type in self.types)

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
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1, 1), (1,), (1,)),), self.latency, (self.queue,), (1,))

    def element_parameters(self, *factors: int) -> dict[str, int]:
        """What both hardware forms are told of the elements of each stream, and of its factor where it has one."""
        told: dict[str, int] = {}
        for index, type in enumerate(self.types):
            told[f"InputBits{index}"] = type.bits
            told[f"InputBipolar{index}"] = int(type.is_bipolar)
            told[f"InputSigned{index}"] = int(type.signed)
            if factors:
                told[f"Factor{index}"] = factors[index]
        return {**told, "OutputBits": self.made.bits}
