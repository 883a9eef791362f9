"""A queue between two units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import queue_resources
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only
from bnnfpga.numbers.exact_arrays import Integers


@dataclass(frozen=True)
class Fifo(Operator):
    """Holds up to `depth` beats of the stream `port` (at least 2, the minimum for full rate)."""

    port: Port
    depth: int

    kind: ClassVar[str] = "fifo"
    moves: ClassVar[bool] = True

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.port,)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (self.port,)

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), 1, (self.depth,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0],)

    def resources(self) -> dict[str, int]:
        return queue_resources(self.port.width, self.depth)

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.level",)

    def parameters(self) -> UnitParameters:
        return hls_only(Beats=self.port.beats) + both(Width=self.port.width, Depth=self.depth)

    def emulator(self) -> EmulatorKernel:
        return IDENTITY
