"""The frames that are looked for: those in which sums of the first layers come to thresholds, and to one below."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.frames.patterns import Pattern, draw
from bnnfpga.frames.sight import Looker, Sight, levels_of, most_telling
from bnnfpga.frames.sums import Target, frame_with, on_steps
from bnnfpga.frames.units import FirstUnits, Receptive
from bnnfpga.host.order import to_model, to_stream
from bnnfpga.integers import IntArray, IntegerType

_CANDIDATES = 128
"""Frames that are looked at beside those that are there."""


def searched(
    graph: Graph, type: IntegerType, fixed: list[Pattern], count: int, rng: np.random.Generator
) -> list[Pattern]:
    """Up to `count` frames that bring sums to thresholds which `fixed` do not.

    Those come first that are made for thresholds of the first layer; of the others the ones that see most.

    Parameters
    ----------
    graph
        The accelerator.
    type
        The codes that it takes.
    fixed
        Frames that there are anyhow.
    count
        How many are wanted at most.
    rng
        Where random numbers come from.
    """
    port, shape = graph.input.port, fixed[0].codes.shape
    units = FirstUnits(graph)

    def pattern(codes: IntArray, kind: str = "sums at thresholds") -> Pattern:
        return Pattern(kind, to_model(codes[None], port.shape).reshape(shape))

    def made(layer: Receptive, targets: list[Target], most: int) -> Iterator[IntArray]:
        """Frames for targets, until there are no more of them."""
        while targets and most:
            most -= 1
            yield frame_with(layer, type, port.elements, targets, rng)

    looker = Looker(units)
    on_input = [on_steps(unit, type, rng, port.elements) for unit in units.on_input][: max(1, count // 2)]
    found = [pattern(codes, "values at thresholds") for codes in on_input]
    known = np.stack([p.codes.reshape(-1) for p in (*fixed, *found)])
    generation = 1 if looker.affordable(1) >= 2 * (len(known) + count) else 0
    candidates = min(looker.affordable(generation) - len(known) - count, _CANDIDATES)
    # Where nobody can look, each frame takes the next targets; else one is made of each layer before anybody looks.
    for layer in units.receptive:
        most = count if candidates < 0 else 1
        found += [pattern(codes) for codes in made(layer, _targets(layer, None, rng), most)]
    found = found[:count]
    if candidates < 0 or not units.deciders:
        return found
    known = np.stack([p.codes.reshape(-1) for p in (*fixed, *found)])
    sight = looker.look(to_stream(known, port.shape), generation)
    tried = [draw(type, (port.elements,), rng) for _ in range(candidates // 2)]
    for layer in units.receptive:
        tried += made(layer, _targets(layer, sight, rng), 2 * count)
    if not tried:
        return found
    seen = looker.look(np.stack(tried), generation).flat()
    best = most_telling(seen, np.any(sight.flat(), axis=0), count - len(found))
    return [*found, *(pattern(tried[index]) for index in best)]


def _targets(layer: Receptive, sight: Sight | None, rng: np.random.Generator) -> list[Target]:
    """The targets of a layer, in random order; with a `sight`, those that it misses."""
    missing = np.zeros((2, *layer.table.values.shape), dtype=bool)
    levels = levels_of(layer.table.levels)
    seen = None if sight is None else sight.seen.get(layer.decider)
    missing[:, :, levels] = True if seen is None else ~np.any(seen, axis=0)
    places = rng.permutation(np.argwhere(missing))
    return [Target(int(channel), int(level), bool(below)) for below, channel, level in places]
