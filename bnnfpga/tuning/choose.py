"""Choosing the cheapest folding that meets a number of cycles per frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import add_resources, area
from bnnfpga.dataflow.stream import legal_lanes

_CYCLES_PER_LUT = 128
"""Cycles of latency worth one LUT, so that latency that costs next to nothing is saved."""


def choose_folding(graph: Graph, cycles: int, pinned: Folding | None = None) -> Folding:
    """Choose for each layer independently the cheapest folding that takes at most `cycles` cycles per frame.

    The cost is estimated area plus a little for latency.

    Parameters
    ----------
    graph
        An unfolded graph, as returned by `lower`.
    cycles
        Cycles per frame, at least 1.
    pinned
        Folding that the user fixed for some layers, kept whether legal or not and whatever it costs; what it leaves
        open is chosen. With it, `cycles` is a goal: a layer that cannot reach it is made as fast as possible.

    Raises
    ------
    UserError
        If a layer cannot be that fast.
    """
    if cycles < 1:
        raise UserError(f"{cycles} cycles per frame is not possible", where="--cycles", hint="give a positive number")
    folding, fastest = dict(pinned or {}), {}
    for operator in graph.operators:
        fixed = folding.get(operator.name, LayerFolding())
        candidates = _candidates(graph, operator, fixed)
        fastest[operator.name] = min(map(_interval, candidates), default=_fewest_beats(operator))
        allowed = cycles if pinned is None else max(cycles, fastest[operator.name])
        fast = [units for units in candidates if _interval(units) <= allowed]
        if fast:
            best = min(fast, key=_cost)[0]
            pe, simd = best.folding
            chosen = LayerFolding(pe, simd, best.suited_memory)
            folding[operator.name] = fixed.completed(chosen)
    slowest = max(fastest, key=fastest.__getitem__)
    if pinned is None and fastest[slowest] > cycles:
        raise UserError(
            f"layer {slowest!r} takes at least {fastest[slowest]} cycles per frame; {cycles} were asked for",
            where="--cycles or --target-fps",
            hint="ask for a slower accelerator, or raise --clock-mhz",
        )
    return folding


def _candidates(graph: Graph, operator: Operator, pinned: LayerFolding) -> list[tuple[Operator, ...]]:
    """A unit in each folding that agrees with `pinned`, with the units before it whose size follows from it."""
    feeders = [(graph[stream.producer], stream.input) for stream in graph.inputs_of(operator.name) if stream.producer]
    followers = [(feeder, input) for feeder, input in feeders if feeder.follows_consumer]
    return [
        (unit, *(follower.in_front_of(unit.interval(), unit.inputs[input]) for follower, input in followers))
        for unit in _foldings(_in_form(operator, pinned), pinned)
    ]


def _in_form(operator: Operator, pinned: LayerFolding) -> Operator:
    """A unit in the pinned form, which its memory may depend on."""
    forms = operator.requantizer_kinds
    return operator.refolded(requantizer=pinned.requantizer) if pinned.requantizer in forms else operator


def _fewest_beats(operator: Operator) -> int:
    """Cycles per frame of a unit without foldings: its streams carry at most a row per beat."""
    return max(port.elements // legal_lanes(port.shape)[-1] for port in (*operator.inputs, *operator.outputs))


def _foldings(operator: Operator, pinned: LayerFolding) -> list[Operator]:
    """The unit in each legal folding that has the pinned PE and SIMD."""
    return [
        operator.refolded(**({"pe": pe} if simd is None else {"pe": pe, "simd": simd}))
        for pe in operator.legal_pe()
        if pinned.pe in (None, pe)
        for simd in operator.legal_simd(pe) or (None,)
        if pinned.simd in (None, simd)
    ]


def _interval(units: Sequence[Operator]) -> int:
    return max(unit.interval() for unit in units)


def _cost(units: Sequence[Operator]) -> tuple[float, int]:
    """Area plus a small term for what the unit adds to the latency of a frame.

    This is the time of one vector: a unit with one vector per frame starts when the unit before it has finished,
    while one with a vector per pixel overlaps with it.
    """
    resources = add_resources(*(unit.resources() for unit in units))
    vector = units[0].interval() / math.prod(units[0].outputs[0].shape[:-1])
    return area(resources) + vector / _CYCLES_PER_LUT, _interval(units)
