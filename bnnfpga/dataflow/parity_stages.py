"""Where the inputs of xnor units become parities, and in how many cycles (`rtl/bnn_parity_encoder.sv`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bnnfpga.dataflow.target import Target

_BLOCK, _GROUP, _SHORT_GROUP = 4, 16, 8
"""Inputs of a block, and of a group of blocks of which one is chained to the next: without and with stages."""

MOST_STAGES = 2
"""The most cycles that the encoder can take."""


@dataclass(frozen=True)
class ParityStages:
    """The encoder of a unit.

    It is where beats arrive, as wide as these. If that is too slow for the clock, it is in a pipeline where steps are
    read, beside the memory of their weights; there it is, too, if beats begin at odd places of a step.

    Parameters
    ----------
    input_lanes
        Inputs of a beat, of one vector.
    simd
        Inputs of a step.
    part
        Inputs of a part with a flag, which has parities of its own; None without flags.
    read_levels
        Logic levels from the number of a step to its inputs.
    weight_stages
        Cycles from a step to its weights.
    target
        The family and clock.
    """

    input_lanes: int
    simd: int
    part: int | None
    read_levels: int
    weight_stages: int
    target: Target

    @cached_property
    def count(self) -> int:
        """Cycles in which the inputs of a step become parities; 0 where they are encoded on their way."""
        return min(range(MOST_STAGES + 1), key=lambda stages: max(self._longest(stages), self.target.levels))

    @property
    def logic_levels(self) -> int:
        """Logic levels of the longest stage, that which reads steps included."""
        return self._longest(self.count)

    def _longest(self, stages: int) -> int:
        if stages == 0:
            early = self.input_lanes == self.simd or self.input_lanes % 2 == 0
            if early:
                return max(self.read_levels, self._at_once(self.input_lanes))
            return self.read_levels + self._at_once(self.simd)
        lanes = self._chained(self.simd)
        # Up to what enters a group; and what follows, with the parity of the steps before.
        first, second = self._entering(lanes, _SHORT_GROUP), 1 + self._blocks(lanes, _SHORT_GROUP)
        # A register in front, or one that waits for weights.
        is_apart = stages == MOST_STAGES or self.weight_stages - 1 > stages
        return max(self.read_levels, first, second) if is_apart else max(self.read_levels + first, second)

    def _at_once(self, lanes: int) -> int:
        """Levels of the encoder without stages."""
        lanes = self._chained(lanes)
        return self._blocks(lanes, _GROUP) + (self._entering(lanes, _GROUP) if lanes > _GROUP else 0)

    def _chained(self, lanes: int) -> int:
        """Inputs whose parities depend on each other, of those of a beat."""
        return lanes if self.part is None else self.part + self.part % 2

    def _entering(self, lanes: int, group: int) -> int:
        """Levels up to what enters a group."""
        return self.target.parity_levels(min(lanes, group)) + self.target.parity_levels(-(-lanes // group))

    def _blocks(self, lanes: int, group: int) -> int:
        """Levels of the blocks of a group: of a table each, or as mapping joins exclusive ORs to trees."""
        blocks = -(-min(lanes, group) // _BLOCK)
        return blocks if self.target.lut_inputs == 6 else min(blocks, 2)
