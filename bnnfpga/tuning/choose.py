"""The cheapest folding for a number of cycles per frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.dataflow.stream import legal_lanes

_DSP_IN_LUTS = 60
"""What a DSP slice counts for in the cost: about the LUTs of a multiplier of 8 by 8 bits."""
_CYCLES_A_LUT = 128
"""Cycles of latency that a LUT is worth: speed that costs next to nothing is taken."""


def choose_folding(graph: Graph, cycles: int, pinned: Folding | None = None) -> Folding:
    """For each layer by itself, the folding of least estimated cost that takes at most `cycles` cycles per frame.

    The cost is area, and a little latency.

    Parameters
    ----------
    graph
        An unfolded graph, as `lower` makes it.
    cycles
        Cycles a frame, at least 1.
    pinned
        What some layers have, legal or not, whatever it costs; what it leaves open of a layer is chosen. Beside it
        `cycles` is a wish: a layer that cannot be that fast is as fast as it can.

    Raises
    ------
    UserError
        If a layer cannot be that fast.
    """
    if cycles < 1:
        raise UserError(f"{cycles} cycles per frame is not possible", where="--cycles", hint="give a positive number")
    folding, fastest = dict(pinned or {}), {}
    for operator in graph.operators:
        wanted = folding.get(operator.name, LayerFolding())
        candidates = _candidates(graph, operator, wanted)
        fastest[operator.name] = min(map(_interval, candidates), default=_fewest_beats(operator))
        allowed = cycles if pinned is None else max(cycles, fastest[operator.name])
        fast = [units for units in candidates if _interval(units) <= allowed]
        if fast:
            best = min(fast, key=_cost)[0]
            pe, simd = best.folding
            chosen = LayerFolding(pe, simd, best.suited_memory)
            folding[operator.name] = wanted.completed(chosen)
    slowest = max(fastest, key=fastest.__getitem__)
    if pinned is None and fastest[slowest] > cycles:
        raise UserError(
            f"layer {slowest!r} takes at least {fastest[slowest]} cycles per frame; {cycles} were asked for",
            where="--cycles or --target-fps",
            hint="ask for a slower accelerator, or raise --clock-mhz",
        )
    return folding


def _candidates(graph: Graph, operator: Operator, wanted: LayerFolding) -> list[tuple[Operator, ...]]:
    """A unit in each of its foldings that has what is given, with the units in front whose size follows from it."""
    feeders = [(graph[stream.producer], stream.input) for stream in graph.inputs_of(operator.name) if stream.producer]
    followers = [(feeder, input) for feeder, input in feeders if feeder.follows_consumer]
    return [
        (unit, *(follower.in_front_of(unit.interval(), unit.inputs[input]) for follower, input in followers))
        for unit in _foldings(operator)
        if _agrees(unit, wanted)
    ]


def _agrees(unit: Operator, pinned: LayerFolding) -> bool:
    """Whether a unit has what is given of its folding."""
    wanted = (pinned.pe, pinned.simd)
    return all(value is None or value == has for value, has in zip(wanted, unit.folding, strict=True))


def _fewest_beats(operator: Operator) -> int:
    """Cycles a frame of a unit without foldings: its streams have a row a beat at most."""
    return max(port.elements // legal_lanes(port.shape)[-1] for port in (*operator.inputs, *operator.outputs))


def _foldings(operator: Operator) -> list[Operator]:
    return [
        operator.refolded(**({"pe": pe} if simd is None else {"pe": pe, "simd": simd}))
        for pe in operator.legal_pe()
        for simd in operator.legal_simd(pe) or (None,)
    ]


def _interval(units: Sequence[Operator]) -> int:
    return max(unit.interval() for unit in units)


def _cost(units: Sequence[Operator]) -> tuple[float, int]:
    """Area and, as a small part of it, what the unit adds to the latency of a frame.

    That is the time of one vector: a unit with a vector a frame begins when the unit in front of it has ended, while
    one with a vector a pixel works beside it.
    """
    resources = add_resources(*(unit.resources() for unit in units))
    area = resources["lut"] + 0.25 * resources["ff"] + _DSP_IN_LUTS * resources["dsp"]
    vector = units[0].interval() / math.prod(units[0].outputs[0].shape[:-1])
    return area + vector / _CYCLES_A_LUT, _interval(units)
