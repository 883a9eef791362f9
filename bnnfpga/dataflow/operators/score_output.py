"""The accelerator's output boundary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import fifo_terms
from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port, lanes_for
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers


@dataclass(frozen=True)
class ScoreOutput(Operator):
    """Registers an output stream, pads its beats to whole bytes and marks the last beat of each frame."""

    port: Port

    kind: ClassVar[str] = "score_output"
    moves: ClassVar[bool] = True

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.port,)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (self.port,)

    def with_inputs(self, *ports: Port) -> ScoreOutput:
        return replace(self, port=ports[0])

    def in_front_of(self, interval: int, *ports: Port) -> ScoreOutput:
        lanes = lanes_for(-(-self.port.elements // interval), self.port.shape)
        return replace(self, port=replace(self.port, lanes=lanes))

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), 1, (2,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0],)

    def cost_terms(self) -> CostTerms:
        beat = (self.port.beats - 1).bit_length()
        counter = CostTerms({"score_output.beats": beat}, {"score_output.beats": beat})
        return add_terms(counter, fifo_terms(self.port.width, 2, self.target.family))

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.register_slice.level",)

    def parameters(self) -> UnitParameters:
        beats = self.port.beats
        widths = both(InputWidth=self.port.width, OutputWidth=8 * self.port.boundary_bytes)
        return hls_only(Beats=beats) + widths + rtl_only(Beats=beats)

    def emulator(self) -> EmulatorKernel:
        return IDENTITY
