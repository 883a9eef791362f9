"""A queue between two units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.fifo_terms import fifo_terms, memory_fifo_terms
from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers

FIFO_STAGES = (1, 2, 3)
_LEAST_IN_MEMORY = 4
"""Beats from which a memory is cheaper than registers."""
_LUTS_PER_BLOCK = 200
"""LUTs that a block RAM must replace: about as many as a device has for each."""


@dataclass(frozen=True)
class Fifo(Operator):
    """Holds up to `depth` beats of the stream `port` (at least `stages` + 1, the minimum for full rate).

    `stages` are the cycles from a beat's arrival until it is visible: 1, where a beat that finds the FIFO empty goes
    straight to its output; 2, through a LUT memory; 3, through a block RAM.
    """

    port: Port
    depth: int
    stages: int = 1

    kind: ClassVar[str] = "fifo"
    moves: ClassVar[bool] = True

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.port,)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (self.port,)

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), self.stages, (self.depth,), (1,))

    @property
    def queues(self) -> tuple[int, int]:
        return self.depth, self.stages

    @property
    def suited_stages(self) -> int:
        """The stages of the cheapest FIFO of this depth: where beats wait anyway, a later one costs no time."""
        if self.depth < _LEAST_IN_MEMORY:
            return 1
        luts, blocks = (replace(self, stages=stages).resources() for stages in (2, 3))
        return 3 if luts["lut"] - blocks["lut"] >= _LUTS_PER_BLOCK * blocks["bram18"] else 2

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0],)

    def cost_terms(self) -> CostTerms:
        width, family = self.port.width, self.target.family
        if self.stages == 1:
            return fifo_terms(width, self.depth, family)
        return memory_fifo_terms(width, self.depth, self.stages, family)

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.level",)

    def parameters(self) -> UnitParameters:
        return (
            hls_only(Beats=self.port.beats)
            + both(Width=self.port.width, Depth=self.depth)
            + rtl_only(Stages=self.stages)
        )

    def emulator(self) -> EmulatorKernel:
        return IDENTITY
