"""Conversion between different numbers of lanes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from bnnfpga.dataflow.choice_cells import choice_tables
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntegerType

_FEWEST_LEVELS = 3
"""Logic levels of the shallowest converter."""
_MOST_COMMON_LANES = 8
"""Lanes of a word that both sides divide, for each of theirs: more registers than that cost more than a shifter."""


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
    def groups(self) -> tuple[int, int]:
        """An input and an output beat in groups of elements that neither side divides."""
        lanes = math.gcd(self.input_lanes, self.output_lanes)
        return self.input_lanes // lanes, self.output_lanes // lanes

    @property
    def capacity(self) -> int:
        """Capacity in groups: the smallest with which the slower side never waits."""
        a, b = self.groups
        return a + b - 1 + min(a, b)

    def schedule(self) -> Schedule:
        a, b = self.groups
        # After b input beats, no group is left over.
        events = tuple(Event(1, (1,), (a,), (a * (beat + 1) // b - a * beat // b,)) for beat in range(b))
        return Schedule(events, 1, (self.capacity,), (b,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0],)

    def cost_terms(self) -> CostTerms:
        a, b = self.groups
        group, narrower = self.inputs[0].width // a, min(self.inputs[0].width, self.outputs[0].width)
        if a == 1:
            # Shifted in, or first held beside the word.
            number = (b - 1).bit_length()
            return CostTerms(
                {"width_converter.units": 1, "width_converter.shift": narrower, "width_converter.beats": number},
                {"width_converter.bits": (b + 1) * group + number + 2},
            )
        if b == 1:
            part = a.bit_length()
            chosen = narrower * choice_tables(a + 1, self.target.lut_inputs)
            return CostTerms(
                {"width_converter.choice": chosen, "width_converter.parts": part},
                {"width_converter.bits": (a + 1) * group + part + 1},
            )
        return self._shifter_terms(a, group)

    def _shifter_terms(self, a: int, group: int) -> CostTerms:
        """A shifter, whose result is added to what is held, or to what is left of that."""
        level, bits = self.capacity.bit_length(), self.capacity * group
        # Groups that may not be 0 behind each stage; and the places of each group that arrives.
        shifted = sum(min(self.capacity, a + (2 << stage) - 1) for stage in range(level))
        return CostTerms(
            {
                "width_converter.held": bits,
                "width_converter.places": a * bits,
                "width_converter.shifted": shifted * group,
            },
            {"width_converter.bits": bits + level},
        )

    @property
    def logic_levels(self) -> int:
        a, b = self.groups
        if a == 1:
            return _FEWEST_LEVELS
        # A multiplexer of all parts of a beat, two stages of it a level; where neither side divides the other, a
        # shifter behind the sum of what is held and what comes.
        choice = -(-(a - 1).bit_length() // 2)
        if b == 1:
            return max(_FEWEST_LEVELS, 1 + choice)
        return 2 * self.target.carry_levels(self.capacity.bit_length()) + -(-self.capacity.bit_length() // 2) + 1

    def for_clock(self) -> tuple[WidthConverter, ...]:
        """The converter, or several in a row with the same interval where one of them is too deep for the clock.

        A multiplexer of many parts becomes two of fewer parts; a shifter is avoided by words that both sides divide.
        """
        if self.logic_levels <= max(self.target.levels, _FEWEST_LEVELS):
            return (self,)
        before, after = self.input_lanes, self.output_lanes
        common = math.lcm(before, after)
        most = _MOST_COMMON_LANES * (before + after)
        between = [
            lanes
            for lanes in legal_lanes(self.shape)
            if (lanes == common <= most or (lanes % after == 0 and before % lanes == 0))
            and lanes not in (before, after)
        ]
        if not between:
            return (self,)
        middle = min(between, key=lambda lanes: max(before / lanes, lanes / after))
        steps = (*replace(self, output_lanes=middle).for_clock(), *replace(self, input_lanes=middle).for_clock())
        return (*(replace(step, name=f"{self.name}_{index}") for index, step in enumerate(steps[:-1])), steps[-1])

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.waiting",)

    def parameters(self) -> UnitParameters:
        return (
            hls_only(Elements=self.inputs[0].elements)
            + both(InputLanes=self.input_lanes, OutputLanes=self.output_lanes)
            + rtl_only(GroupLanes=math.gcd(self.input_lanes, self.output_lanes))
            + both(ElementBits=self.type.bits)
        )

    def emulator(self) -> EmulatorKernel:
        return IDENTITY
