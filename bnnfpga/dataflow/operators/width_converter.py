"""Conversion between different numbers of lanes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class WidthConverter(Operator):
    """Regroups a stream from `input_lanes` to `output_lanes` elements per beat; neither need divide the other."""

    shape: tuple[int, ...]
    type: IntegerType
    input_lanes: int
    output_lanes: int

    kind: ClassVar[str] = "width_converter"
    moves: ClassVar[bool] = True

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.type, self.input_lanes),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.type, self.output_lanes),)

    @property
    def capacity(self) -> int:
        """Capacity in elements: the smallest with which the slower side never waits."""
        a, b = self.input_lanes, self.output_lanes
        return a + b - math.gcd(a, b) + min(a, b)

    def schedule(self) -> Schedule:
        a, b = self.input_lanes, self.output_lanes
        # The input beats after which no element is left over.
        beats = b // math.gcd(a, b)
        events = tuple(Event(1, (1,), (a,), (a * (beat + 1) // b - a * beat // b,)) for beat in range(beats))
        return Schedule(events, 1, (self.capacity,), (b,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0],)

    def resources(self) -> dict[str, int]:
        bits = self.capacity * self.type.bits
        # One multiplexer input for each position that a beat can be written to.
        places = self.capacity // math.gcd(self.input_lanes, self.output_lanes)
        counter = self.capacity.bit_length()
        return {"lut": bits * -(-places // 4) + 3 * counter, "ff": bits + counter}

    @property
    def levels(self) -> tuple[str, ...]:
        return (f"{{unit}}.level / {self.output_lanes}",)

    def parameters(self) -> UnitParameters:
        return (
            hls_only(Elements=self.inputs[0].elements)
            + both(InputLanes=self.input_lanes, OutputLanes=self.output_lanes, ElementBits=self.type.bits)
            + rtl_only(Capacity=self.capacity)
        )

    def emulator(self) -> EmulatorKernel:
        return IDENTITY
