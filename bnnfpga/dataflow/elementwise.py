"""The base of element-wise units: each output element depends on the elements at the same place of the inputs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

from bnnfpga.dataflow.element_function import ElementFunction
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.dataflow.unit_parameters import UnitParameters, both
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Elementwise(Operator):
    """Takes a beat of each input stream and sends one output beat.

    Parameters
    ----------
    shape
        One frame's tensor, the same in all streams.
    pe
        Elements per cycle: channels of a pixel, or whole pixels.
    """

    shape: tuple[int, ...]
    pe: int = field(default=1, kw_only=True)

    @property
    @abstractmethod
    def latency(self) -> int:
        """Cycles from taking a beat to offering its result."""

    @property
    @abstractmethod
    def input_types(self) -> tuple[IntegerType, ...]:
        """The element type of each input stream."""

    @property
    @abstractmethod
    def result_type(self) -> IntegerType:
        """The element type of the output stream."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(Port(self.shape, type, self.pe) for type in self.input_types)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.result_type, self.pe),)

    @property
    def lag(self) -> float:
        return 0.0

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes(self.shape)

    @property
    def queue(self) -> int:
        """Capacity of the output queue in beats."""
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        one_each = (1,) * len(self.input_types)
        return Schedule((Event(1, one_each, (1,), (1,)),), self.latency, (self.queue,), (1,))


@dataclass(frozen=True)
class Unary(Elementwise):
    """A function of one stream's elements.

    Parameters
    ----------
    input_type
        The element type of the input stream.
    """

    input_type: IntegerType

    @property
    def input_types(self) -> tuple[IntegerType, ...]:
        return (self.input_type,)

    @property
    @abstractmethod
    def rows(self) -> int:
        """The number of functions: one for all channels, or one per channel."""

    @property
    @abstractmethod
    def steps(self) -> IntArray:
        """The integers, ascending, whose result differs, in any channel, from that of the next lower integer."""

    @property
    def element_function(self) -> ElementFunction:
        return ElementFunction(self.input_type, self.rows, self.steps, lambda x: self.execute(x)[0])


@dataclass(frozen=True)
class Binary(Elementwise):
    """A function of the elements of two streams.

    Parameters
    ----------
    types
        The element type of each.
    """

    types: tuple[IntegerType, IntegerType]

    @property
    def input_types(self) -> tuple[IntegerType, ...]:
        return self.types

    def element_parameters(self, *factors: int) -> UnitParameters:
        """The parameters of both forms for each stream's elements, and its factor if `factors` are passed."""
        parameters = UnitParameters()
        for index, type in enumerate(self.types):
            values = {"InputBits": type.bits, "InputBipolar": int(type.is_bipolar), "InputSigned": int(type.signed)}
            if factors:
                values["Factor"] = factors[index]
            parameters += both(**{f"{name}{index}": value for name, value in values.items()})
        return parameters + both(OutputBits=self.result_type.bits)
