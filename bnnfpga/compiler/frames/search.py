"""The frames that are looked for: those in which sums of the first layers come to thresholds, and to one below."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bnnfpga.compiler.frames.patterns import Pattern, draw
from bnnfpga.compiler.frames.sight import Looker, Sight, levels_of, most_telling
from bnnfpga.compiler.frames.sums import Target, frame_with, on_steps
from bnnfpga.compiler.frames.units import FirstUnits, Receptive
from bnnfpga.dataflow.graph import Graph
from bnnfpga.host.order import Order
from bnnfpga.numbers.integers import IntArray, IntegerType

_CANDIDATES = 128
"""Frames that are looked at beside those that are there."""


def searched(
    graph: Graph, order: Order, type: IntegerType, fixed: list[Pattern], count: int, rng: np.random.Generator
) -> list[Pattern]:
    """Up to `count` frames that bring sums to thresholds which `fixed` do not.

    Those come first that are made for thresholds of the first layer; of the others the ones that see most.

    Parameters
    ----------
    graph
        The accelerator.
    order
        In which a frame of the model's input streams.
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

    def frame(kind: str, codes: IntArray) -> Pattern:
        return Pattern(kind, order.to_model(codes[None]).reshape(shape))

    def at_sums(layer: Receptive, targets: list[Target], most: int) -> Iterator[Pattern]:
        """Frames for targets, until there are no more of them."""
        while targets and most:
            most -= 1
            yield frame("sums at thresholds", frame_with(layer, type, port.elements, targets, rng))

    def at_values(most: int) -> Iterator[Pattern]:
        for function in units.functions_on_input:
            for _ in range(most):
                yield frame("values at thresholds", on_steps(function, type, rng, port.elements))

    def stream(frames: list[Pattern]) -> IntArray:
        return order.to_stream(np.stack([pattern.codes.reshape(-1) for pattern in frames]))

    looker = Looker(units)
    generation = 1 if looker.affordable(1) >= 2 * (len(fixed) + 2 * count) else 0
    candidates = min(looker.affordable(generation) - len(fixed) - count, _CANDIDATES)
    blind = candidates < 0 or not units.deciders
    # Where nobody can look, each frame takes the next targets; else one is made of each unit before anybody looks.
    found = [*at_values(1)]
    for layer in units.receptive:
        found += at_sums(layer, _targets(layer, None, rng), count if blind else 1)
    found = found[:count]
    if blind:
        return found
    sight = looker.look(stream([*fixed, *found]), generation)
    tried = [*at_values(count)]
    for layer in units.receptive:
        tried += at_sums(layer, _targets(layer, sight, rng), 2 * count)
    # Of random frames those are taken that see what others do not, too.
    random = (frame("random", draw(type, (port.elements,), rng)) for _ in range(candidates // 2))
    tried += random
    if not tried:
        return found
    best = most_telling(looker.look(stream(tried), generation).flat(), np.any(sight.flat(), axis=0), count - len(found))
    return [*found, *(tried[index] for index in best)]


def _targets(layer: Receptive, sight: Sight | None, rng: np.random.Generator) -> list[Target]:
    """The targets of a layer, in random order; with a `sight`, those that it misses."""
    missing = np.zeros((2, *layer.table.values.shape), dtype=bool)
    levels = levels_of(layer.table.levels)
    seen = None if sight is None else sight.seen.get(layer.decider)
    missing[:, :, levels] = True if seen is None else ~np.any(seen, axis=0)
    places = rng.permutation(np.argwhere(missing))
    return [Target(int(channel), int(level), bool(below)) for below, channel, level in places]
