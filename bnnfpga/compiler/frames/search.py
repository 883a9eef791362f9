"""Searching for frames in which sums of the first layers reach thresholds, or the nearest value below them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bnnfpga.compiler.frames.patterns import Pattern, draw
from bnnfpga.compiler.frames.sight import Looker, Sight, levels_of, most_telling
from bnnfpga.compiler.frames.sums import SumTarget, frame_with, on_steps
from bnnfpga.compiler.frames.units import FirstUnits, Receptive
from bnnfpga.dataflow.graph import Graph
from bnnfpga.host.order import Order
from bnnfpga.numbers.integers import IntArray, IntegerType

_CANDIDATES = 128
"""Candidate frames to evaluate besides those already chosen."""


def searched(
    graph: Graph, order: Order, type: IntegerType, fixed: list[Pattern], count: int, rng: np.random.Generator
) -> list[Pattern]:
    """Search for up to `count` frames whose sums reach thresholds that `fixed` do not.

    Frames constructed for thresholds of the first layer come first, then the others that cover most.

    Parameters
    ----------
    graph
        The accelerator.
    order
        The stream order of a frame of the model's input.
    type
        The accelerator's input codes.
    fixed
        Frames that are used in any case.
    count
        The number of frames to find at most.
    rng
        Source of random numbers.
    """
    port, shape = graph.input.port, fixed[0].codes.shape
    units = FirstUnits(graph)

    def frame(kind: str, codes: IntArray) -> Pattern:
        return Pattern(kind, order.to_model(codes[None]).reshape(shape))

    def at_sums(layer: Receptive, targets: list[SumTarget], most: int) -> Iterator[Pattern]:
        """Frames for targets, until all targets are used up."""
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
    # If frames cannot be evaluated, each takes the next targets; else one per unit is constructed before evaluating.
    chosen = [*at_values(1)]
    for layer in units.receptive:
        chosen += at_sums(layer, _targets(layer, None, rng), count if blind else 1)
    chosen = chosen[:count]
    if blind:
        return chosen
    sight = looker.look(stream([*fixed, *chosen]), generation)
    tried = [*at_values(count)]
    for layer in units.receptive:
        tried += at_sums(layer, _targets(layer, sight, rng), 2 * count)
    # Random frames are used as well, if they cover what others do not.
    random = (frame("random", draw(type, (port.elements,), rng)) for _ in range(candidates // 2))
    tried += random
    if not tried:
        return chosen
    known = np.any(sight.flat(), axis=0)
    best = most_telling(looker.look(stream(tried), generation).flat(), known, count - len(chosen))
    return [*chosen, *(tried[index] for index in best)]


def _targets(layer: Receptive, sight: Sight | None, rng: np.random.Generator) -> list[SumTarget]:
    """The targets of a layer, in random order; with a `sight`, only those not yet reached."""
    missing = np.zeros((2, *layer.table.values.shape), dtype=bool)
    levels = levels_of(layer.table.levels)
    seen = None if sight is None else sight.seen.get(layer.decider)
    missing[:, :, levels] = True if seen is None else ~np.any(seen, axis=0)
    places = rng.permutation(np.argwhere(missing))
    return [SumTarget(int(channel), int(level), bool(below)) for below, channel, level in places]
