"""The cheapest folding within a latency, certified by the token model, with a lower bound on what it could cost.

No sum over the units is the latency, but every path through the first frame is a lower bound of it that adds up over
the units (`first_frame`). So the cheapest folding for which some paths are short enough is sought, and played by the
token model. If it takes too long, its longest path joins the others, which excludes it: that is logic-based Benders
decomposition (Hooker and Ottosson, 2003). Where a full queue made it late, or units wait for each other in FIFOs of
given depths, no path excludes it, and the other foldings are split into parts that are searched one by one (Lawler, A
procedure for computing the K best solutions to discrete optimization problems, 1972).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.dataflow.target import Target
from bnnfpga.tuning.capped_search import Capped, Measures
from bnnfpga.tuning.clocked_search import paces
from bnnfpga.tuning.first_frame import NEVER, Hop
from bnnfpga.tuning.folding_search import Choice, CostWeights, SpeedLimits, cheapest
from bnnfpga.tuning.labels import TooMany
from bnnfpga.tuning.objective import Objective
from bnnfpga.tuning.space import FoldingSpace
from bnnfpga.tuning.unit_options import Option

_MOST_PLAYED = 120
"""Foldings that the token model plays, about."""
_MOST_SEARCHED = 360
"""Searches for foldings to play, about."""
_MOST_TO_SHORTEN = 16
_DELAY_WEIGHTS = (1e6, *(4.0**power for power in range(4, -6, -1)))
"""Weights of delays, for foldings with which to begin."""
_HALVINGS = 6
"""Weights between the least one that is known to lead to the latency and the next."""
_UNLIMITED = 2**62
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Played:
    """What the token model says of a folding: its latency, infinite in a deadlock, the clock, and its longest path."""

    cycles: float
    mhz: float
    path: Sequence[Hop]

    @property
    def microseconds(self) -> float:
        return self.cycles / self.mhz


@dataclass(frozen=True)
class Shortest:
    """The folding with the least latency that was found, and what no folding falls below, in microseconds."""

    choice: Choice
    played: Played
    bound: float


class LatencySearch:
    """Foldings of a space with a latency in microseconds.

    Parameters
    ----------
    space
        A space that is `timed`.
    target, objective
        What it is built for, and what is minimised: weights, and the budget if there is one.
    play
        What the token model says of a choice.
    """

    def __init__(
        self, space: FoldingSpace, target: Target, objective: Objective, play: Callable[[Choice], Played]
    ) -> None:
        assert objective.weights is not None
        self._space, self._target, self._play_model = space, target, play
        self._weights, self._budget = objective.weights, objective.budget
        self._paths: list[list[NDArray[np.float64]]] = []
        """For each path that is known, its cycles in each option of each unit."""
        self._seen: dict[tuple[int, ...], Played] = {}

    def cheapest(self, microseconds: float) -> Choice | None:
        """The cheapest folding that was found within a latency, with a bound; None if none was found."""
        limits = [
            (SpeedLimits(_UNLIMITED, pace.levels), math.floor(microseconds * pace.mhz + _ROUNDING))
            for pace in paces(self._space, self._target)
        ]
        best = self._first(microseconds, limits[0][0])
        order = count()
        nodes = [(0.0, next(order), own, cycles) for own, cycles in limits]
        closed: list[float] = []
        searched = 0
        while nodes and len(self._seen) < _MOST_PLAYED and searched < _MOST_SEARCHED:
            bound, _, own, cycles = heapq.heappop(nodes)
            searched += 1
            if best is not None and bound >= best.objective - _ROUNDING:
                closed.append(bound)
                break
            try:
                choice = self._relaxed(own, cycles)
            except TooMany:
                closed.append(bound)
                continue
            if choice is None or choice.bound is None:
                continue
            bound = max(bound, choice.bound)
            if best is not None and bound >= best.objective - _ROUNDING:
                continue
            played = self._play(choice)
            if played.microseconds <= microseconds:
                if best is None or choice.objective < best.objective:
                    best = choice
                closed.append(bound)
            elif self._cycles(choice) > cycles:
                heapq.heappush(nodes, (bound, next(order), own, cycles))
            else:
                for part in self._others(choice, own):
                    heapq.heappush(nodes, (bound, next(order), part, cycles))
        if best is None:
            return None
        return replace(best, bound=min([best.objective, *closed, *(bound for bound, *_ in nodes)]))

    def shortest(self) -> Shortest | None:
        """About the least latency; None if all foldings that were played are in deadlock."""
        best: Shortest | None = None
        bounds = []
        for pace in paces(self._space, self._target):
            limits, bound = SpeedLimits(_UNLIMITED, pace.levels), 0.0
            choice = cheapest(self._space, limits, CostWeights(latency=_DELAY_WEIGHTS[0]))
            for _ in range(_MOST_TO_SHORTEN):
                if choice is None:
                    break
                played = self._play(choice)
                if best is None or played.microseconds < best.played.microseconds:
                    best = Shortest(choice, played, 0.0)
                reached = best.played.microseconds
                if bound >= reached * (1 - _ROUNDING) or not self._paths:
                    break
                caps = np.full(len(self._paths), min(reached * pace.mhz, 1e12))
                search = Capped(self._space, limits, Measures(self._columns()), caps)
                choice = search.least_share(search.share, fits=False)
                if choice is not None and choice.bound is not None:
                    bound = max(bound, math.ceil((choice.bound - _ROUNDING) * caps[0]) / pace.mhz)
            if choice is not None:
                bounds.append(bound)
        if best is None or not math.isfinite(best.played.cycles):
            return None
        return replace(best, bound=min(best.played.microseconds, *bounds))

    def cycles_of(self, choice: Choice, path: Sequence[Hop]) -> dict[str, float]:
        """The cycles of a path in each unit of a choice."""
        columns = zip(self._space.units, path_columns(self._space, path), choice.rows, strict=True)
        return {unit.name: float(own[row]) for unit, own, row in columns}

    def _first(self, microseconds: float, limits: SpeedLimits) -> Choice | None:
        """A folding to begin with: delays count more and more."""
        best: Choice | None = None
        least = enough = 0.0
        for weight in _DELAY_WEIGHTS:
            choice = cheapest(self._space, limits, replace(self._weights, latency=weight))
            if choice is None:
                continue
            late = self._play(choice).microseconds > microseconds
            if late and best is not None:
                least = weight
                break
            if not late and self._fits(choice):
                enough, best = weight, self._cheaper(choice, best)
        if best is None:
            return None
        least = max(least, _DELAY_WEIGHTS[-1] / 4)
        for _ in range(_HALVINGS):
            weight = math.sqrt(least * enough)
            choice = cheapest(self._space, limits, replace(self._weights, latency=weight))
            if choice is None or self._play(choice).microseconds > microseconds or not self._fits(choice):
                least = weight
            else:
                enough, best = weight, self._cheaper(choice, best)
        return best

    def _cheaper(self, choice: Choice, best: Choice | None) -> Choice:
        cost = self._weights.of(choice)
        return replace(choice, objective=cost) if best is None or cost < best.objective else best

    def _fits(self, choice: Choice) -> bool:
        budget = self._budget
        return budget is None or all(choice.resources[kind] <= budget[kind] for kind in RESOURCES)

    def _play(self, choice: Choice) -> Played:
        """What the token model says; the longest path of what it plays is known from then on."""
        if choice.rows not in self._seen:
            played = self._seen[choice.rows] = self._play_model(choice)
            if played.path:
                self._paths.append(path_columns(self._space, played.path))
        return self._seen[choice.rows]

    def _cycles(self, choice: Choice) -> float:
        """The longest of the known paths."""
        sums = [sum(own[row] for own, row in zip(path, choice.rows, strict=True)) for path in self._paths]
        return float(max(sums, default=0.0))

    def _columns(self) -> list[NDArray[np.float64]]:
        """The cycles of all known paths, for each unit (options, paths)."""
        return [np.stack(own, axis=1) for own in zip(*self._paths, strict=True)]

    def _relaxed(self, limits: SpeedLimits, cycles: int) -> Choice | None:
        """The cheapest folding within the budget for which no known path takes longer."""
        vector = self._weights.vector
        columns = [(unit.costs @ vector)[:, None] for unit in self._space.units]
        caps = [np.inf]
        if self._budget is not None:
            columns = [np.hstack([own, unit.costs]) for own, unit in zip(columns, self._space.units, strict=True)]
            caps += [float(self._budget[kind]) for kind in RESOURCES]
        if self._paths:
            columns = [np.hstack([own, path]) for own, path in zip(columns, self._columns(), strict=True)]
            caps += [float(cycles)] * len(self._paths)
        weights = np.array([1.0] + [0.0] * (len(caps) - 1))
        search = Capped(self._space, limits, Measures(columns), np.array(caps))
        try:
            return search.cheapest(weights, None)
        except TooMany:
            some = search.least_share(search.share, fits=True)
            if some is None or some.bound is None or some.bound > 1:
                return None
            if some.objective > 1:
                raise
            return search.cheapest(weights, some)

    def _others(self, choice: Choice, limits: SpeedLimits) -> Iterator[SpeedLimits]:
        """The foldings within limits but a choice, in parts: up to a unit as in the choice, and that unit not."""
        rows = dict(limits.rows)
        for unit, row in zip(self._space.units, choice.rows, strict=True):
            left = rows.get(unit.name, np.ones(len(unit.options), bool))
            alone = np.zeros(len(left), bool)
            alone[row] = True
            if np.any(left & ~alone):
                yield replace(limits, rows={**rows, unit.name: left & ~alone})
            rows[unit.name] = alone


def path_columns(space: FoldingSpace, path: Sequence[Hop]) -> list[NDArray[np.float64]]:
    """For each unit of a space, float64 (options,): the cycles that a path takes at least in each option."""
    hops = {hop.unit: hop for hop in path}
    columns = []
    for unit in space.units:
        column = np.zeros(len(unit.options))
        if unit.name in hops:
            hop, known = hops[unit.name], dict[tuple[int, ...], int]()
            for row, option in enumerate(unit.options):
                key = tuple(id(part) for part in option.parts)
                if key not in known:
                    known[key] = _delay(space, option, hop)
                column[row] = known[key]
        columns.append(column)
    return columns


def _delay(space: FoldingSpace, option: Option, hop: Hop) -> int:
    """The least cycles of a hop: through the converters in front of its input, and through the unit."""
    place, total = hop.source, 0
    for part, input in zip(option.parts, option.inputs, strict=False):
        step = part.unit
        if input != hop.input:
            continue
        if step.queues:
            # FIFOs that are sized later may be left out.
            given = space.pinned.get(step.name)
            total += step.queues[1] if given is not None and given.depth is not None else 0
        else:
            total += space.times_of(step).delay(0, place, 0, hop.entry)
            place = hop.entry
    unit = option.parts[-1].unit
    lanes = unit.inputs[hop.input].lanes
    if place // lanes > hop.entry // lanes:
        return NEVER
    total += space.times_of(unit).delay(hop.input, hop.entry, hop.output, hop.exit)
    return max(total, NEVER)
