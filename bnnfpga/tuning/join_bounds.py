"""How deep a FIFO may have to be where branches meet: a bound that the search pays for, whatever other units become.

Beats wait there for as long as the slower branch is behind. With an input at an even pace, in which every unit needs a
frame's interval or less (docs/dataflow.md, section 5), each unit on the way lags by a share of a frame that its shape
alone determines (`Operator.lag`), and by the cycles of its pipeline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from bnnfpga.dataflow.assembly import FifoForm, joined_inputs
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator

_PIPELINE = 16
"""Cycles of the pipelines of a unit and of the converters and FIFOs around it."""
_MARGIN = 4
"""Beats in the registers of the FIFO and of the join."""


class JoinBounds:
    """Bounds of the FIFOs of an unfolded graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @cached_property
    def _lags(self) -> dict[str, list[tuple[float, int]]]:
        """For each input of each unit with several, frames and units since the split of its branches, at most."""
        order = {unit.name: place for place, unit in enumerate(self._graph.operators)}
        above = {
            name: [stream.producer for stream in self._graph.inputs_of(name) if stream.producer is not None]
            for name in order
        }
        split: dict[str, str] = {}  # the last unit through which all ways to a unit lead (its immediate dominator)
        result = {}
        for unit in self._graph.operators:
            first, *others = above[unit.name] or [unit.name]
            for other in others:
                while first != other:
                    if order[first] > order[other]:
                        first = split[first]
                    else:
                        other = split[other]
            split[unit.name] = first
            if joined_inputs(unit):
                lags = _longest(first, self._graph.operators[order[first] + 1 : order[unit.name]], above)
                result[unit.name] = [lags[str(stream.producer)] for stream in self._graph.inputs_of(unit.name)]
        return result

    def form(self, unit: Operator, input: int) -> FifoForm:
        """The FIFO in front of an input of a folded unit: of a depth that sizing does not exceed.

        It is local: only the unit's own folding is in it.
        """
        others = [lag for other, lag in enumerate(self._lags[unit.name]) if other != input]
        frames, units = (max(lags) for lags in zip(*others, strict=True))
        beats = unit.inputs[input].beats
        pace = min(1.0, beats / unit.interval())
        return FifoForm(math.ceil(frames * beats + _PIPELINE * (units + 1) * pace) + _MARGIN, None)


def _longest(first: str, units: Sequence[Operator], above: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, int]]:
    """The most frames and units on a way from a unit to each of those behind it."""
    most = {first: (0.0, 0)}
    for unit in units:
        before = [most[name] for name in above[unit.name] if name in most]
        if before:
            frames, count = (max(values) for values in zip(*before, strict=True))
            most[unit.name] = frames + unit.lag, count + 1
    return most
