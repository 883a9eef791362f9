"""A copy of one stream for each of two consumers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.fifo_terms import fifo_terms
from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port, lanes_for
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only
from bnnfpga.numbers.exact_arrays import Integers


@dataclass(frozen=True)
class Fork(Operator):
    """Sends the stream `port` to two consumers, each through a queue of two beats; a chain of forks serves more."""

    port: Port

    kind: ClassVar[str] = "fork"
    moves: ClassVar[bool] = True

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.port,)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (self.port, self.port)

    def with_inputs(self, *ports: Port) -> Fork:
        return replace(self, port=ports[0])

    def in_front_of(self, interval: int, *ports: Port) -> Fork:
        del interval
        return replace(
            self, port=replace(self.port, lanes=lanes_for(max(port.lanes for port in ports), self.port.shape))
        )

    @property
    def lag(self) -> float:
        return 0.0

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1, 1), (1, 1)),), 1, (2, 2), (1, 1))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0], arrays[0])

    def cost_terms(self) -> CostTerms:
        return fifo_terms(self.port.width, 2, self.target.family).times(2)

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.queue0.level", "{unit}.queue1.level")

    def parameters(self) -> UnitParameters:
        return hls_only(Beats=self.port.beats) + both(Width=self.port.width)

    def emulator(self) -> EmulatorKernel:
        return IDENTITY
