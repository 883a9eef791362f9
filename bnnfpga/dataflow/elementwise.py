"""What units have in common that make an element of those in the same place of each stream, `pe` at a time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from bnnfpga.dataflow.element_function import ElementFunction
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.dataflow.unit_parameters import UnitParameters, both
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Elementwise(Operator):
    """Takes a beat of each stream and makes one of them.

    Parameters
    ----------
    shape
        One frame's tensor, the same in all streams.
    pe
        Elements a cycle: channels of a pixel, or all of some pixels.
    """

    shape: tuple[int, ...]
    pe: int = field(default=1, kw_only=True)

    latency: ClassVar[int]
    """Cycles from taking a beat to offering its result."""

    @property
    @abstractmethod
    def input_types(self) -> tuple[IntegerType, ...]:
        """The elements of each input stream."""

    @property
    @abstractmethod
    def result_type(self) -> IntegerType:
        """The elements of the output stream."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(Port(self.shape, type, self.pe) for type in self.input_types)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.result_type, self.pe),)

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
        one_each = (1,) * len(self.input_types)
        return Schedule((Event(1, one_each, (1,), (1,)),), self.latency, (self.queue,), (1,))


@dataclass(frozen=True)
class Unary(Elementwise):
    """A function of each element by itself.

    Parameters
    ----------
    input_type
        The elements of the input stream.
    """

    input_type: IntegerType

    @property
    def input_types(self) -> tuple[IntegerType, ...]:
        return (self.input_type,)

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many functions there are: one for all channels, or one for each."""

    @property
    @abstractmethod
    def steps(self) -> IntArray:
        """Integers, ascending, whose result differs from that of the integer below them, in any channel."""

    @property
    def element_function(self) -> ElementFunction:
        return ElementFunction(self.input_type, self.rows, self.steps, lambda x: self.execute(x)[0])


@dataclass(frozen=True)
class Binary(Elementwise):
    """A function of the elements of two streams.

    Parameters
    ----------
    types
        The elements of each.
    """

    types: tuple[IntegerType, IntegerType]

    @property
    def input_types(self) -> tuple[IntegerType, ...]:
        return self.types

    def element_parameters(self, *factors: int) -> UnitParameters:
        """What both forms are told of the elements of each stream, and of its factor where it has one."""
        stated = UnitParameters()
        for index, type in enumerate(self.types):
            told = {"InputBits": type.bits, "InputBipolar": int(type.is_bipolar), "InputSigned": int(type.signed)}
            if factors:
                told["Factor"] = factors[index]
            stated += both(**{f"{name}{index}": value for name, value in told.items()})
        return stated + both(OutputBits=self.result_type.bits)
