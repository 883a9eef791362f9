"""The folding that fills a part least, exact under the cost model or with a stated bound.

The largest share of several resources is no sum, so one number a state is not enough. Prices of the resources (Lagrange
multipliers) make it one: each set of prices gives a folding and a lower bound. The prices follow the multiplicative
weights of the shares (Arora, Hazan and Kale, 2012). What is left between the best folding and the best bound is closed
by dynamic programming on sets of vectors (`labels`), from which the bounds remove nearly all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.tuning.folding_search import Choice, CostWeights, SpeedLimits, least, tables_of, within
from bnnfpga.tuning.labels import Bound, Labels, LabelTable, TooMany, all_labels
from bnnfpga.tuning.space import FoldingSpace
from bnnfpga.tuning.unit_options import UnitOptions

Vector = NDArray[np.float64]
_ROUNDS = 24
"""Sets of prices that are tried."""
_FEW_ROUNDS = 12
"""Where there are many searches, which are quick."""
_KEPT_PRICES = 6
_RATE = 4.0
_MOST_LABELS = 4000
"""Vectors for one table above which the search looks only for what is better by more than a tolerance."""
_TOLERANCES = (0.0, 0.0005, 0.001, 0.005, 0.02)
_ROUNDING = 1e-9
_LUTS = CostWeights(1.0, 0.0, 0.0, 0.0)
_MOST_USED = 1e12


@dataclass(frozen=True, eq=False)
class _Priced:
    """Prices, what they make of the best folding under them, and that folding."""

    prices: Vector
    bound: float
    choice: Choice


def largest_share(resources: Mapping[str, int], budget: Mapping[str, int]) -> float:
    """The largest share of a budget that some resources take: infinite where there is none of what is needed."""
    return max(
        resources[kind] / budget[kind] if budget[kind] else (np.inf if resources[kind] else 0.0) for kind in RESOURCES
    )


def least_share(
    space: FoldingSpace, limits: SpeedLimits, budget: Mapping[str, int], *, fits: bool = False
) -> Choice | None:
    """The folding whose largest share of a budget is the least, and of these the one with the fewest LUTs.

    `objective` of the result is that share, `bound` what no folding falls below. None if there is no folding within the
    limits. If `fits`, any folding that keeps the budget will do; `bound` is above 1 if there is none.
    """
    scale = np.array([1 / budget[kind] if budget[kind] else 1e6 for kind in RESOURCES])
    priced = _priced(space, limits, scale, budget, 1.0 if fits else None)
    if not priced:
        return None
    best = min((one.choice for one in priced), key=lambda choice: _rank(choice.resources, budget))
    bound = max(one.bound for one in priced)
    share = largest_share(best.resources, budget)
    if fits and (share <= 1 or bound > 1):
        return replace(best, objective=share, bound=bound)
    best, bound = _closed(space, limits, budget, scale, priced, best)
    if not fits:
        share = largest_share(best.resources, budget)
        caps = {kind: min(budget[kind] * share, _MOST_USED) for kind in RESOURCES}
        if np.isfinite(share):
            best = cheapest_within(space, limits, _LUTS, caps, best)
    share = largest_share(best.resources, budget)
    return replace(best, objective=share, bound=min(bound, share))


def small_share(space: FoldingSpace, limits: SpeedLimits, budget: Mapping[str, int]) -> Choice | None:
    """The best folding that prices alone lead to: in a small part of the time, near that of `least_share`, often it."""
    scale = np.array([1 / budget[kind] if budget[kind] else 1e6 for kind in RESOURCES])
    priced = _priced(space, limits, scale, budget, rounds=_FEW_ROUNDS)
    if not priced:
        return None
    best = min((one.choice for one in priced), key=lambda choice: _rank(choice.resources, budget))
    share = largest_share(best.resources, budget)
    return replace(best, objective=share, bound=min(share, max(one.bound for one in priced)))


def _rank(resources: Mapping[str, int], budget: Mapping[str, int]) -> tuple[float, int]:
    return largest_share(resources, budget), resources["lut"]


def _priced(
    space: FoldingSpace,
    limits: SpeedLimits,
    scale: Vector,
    budget: Mapping[str, int],
    stop: float | None = None,
    rounds: int = _ROUNDS,
) -> list[_Priced]:
    """Foldings and bounds for prices that grow for the resources of which the foldings take the most."""
    found: list[_Priced] = []
    weights = np.ones(len(scale)) / len(scale)
    for round in range(rounds):
        prices = weights * scale
        choice = least(space, limits, [unit.costs @ prices for unit in space.units])
        if choice is None:
            return []
        found.append(_Priced(prices, choice.objective, choice))
        best = min(largest_share(one.choice.resources, budget) for one in found)
        bound = max(one.bound for one in found)
        if bound >= best * (1 - _ROUNDING) or (stop is not None and (best <= stop or bound > stop)):
            break
        shares = np.array([choice.resources[kind] for kind in RESOURCES]) * scale
        weights = weights * np.exp(_RATE / np.sqrt(1 + round) * shares / max(shares.max(), 1e-12))
        weights /= weights.sum()
    return found


def _closed(
    space: FoldingSpace,
    limits: SpeedLimits,
    budget: Mapping[str, int],
    scale: Vector,
    priced: Sequence[_Priced],
    best: Choice,
) -> tuple[Choice, float]:
    """The best folding of all, or one that is known to be within a tolerance; and the bound."""
    bound = max(one.bound for one in priced)
    prices = [one.prices for one in sorted(priced, key=lambda one: -one.bound)[:_KEPT_PRICES]]
    for tolerance in _TOLERANCES:
        share = largest_share(best.resources, budget)
        most = share * (1 - tolerance) - _ROUNDING * share
        if bound >= most:
            return best, bound
        # No resource alone may take more, and no weighted sum of them.
        rules = [(own, most) for own in (*prices, *np.diag(scale))]
        try:
            better = _best_label(space, limits, rules, lambda resources: _rank(resources, budget))
        except TooMany:
            continue
        if better is None:
            return best, most if tolerance else share
        return better, largest_share(better.resources, budget)
    return best, bound


def cheapest_within(
    space: FoldingSpace, limits: SpeedLimits, weights: CostWeights, caps: Mapping[str, float], best: Choice
) -> Choice:
    """The cheapest folding that takes at most `caps` of each resource, as `best` does.

    It is found with prices on the resources, then by all vectors that may be cheaper; where these are too many, `bound`
    of the result says how much cheaper one could be.
    """
    most, objective = np.array([caps[kind] for kind in RESOURCES]) + _ROUNDING, weights.vector
    usual = np.where(most > 1, 1 / np.maximum(most, 1), 1)
    prices, found = np.zeros(len(RESOURCES)), []

    def cost(resources: Mapping[str, int]) -> float:
        return float(objective @ [resources[kind] for kind in RESOURCES])

    for round in range(_ROUNDS):
        choice = least(space, limits, [unit.costs @ (objective + prices) for unit in space.units])
        assert choice is not None
        used = np.array([choice.resources[kind] for kind in RESOURCES], np.float64)
        found.append((prices, choice.objective - float(prices @ most)))
        if np.all(used <= most):
            best = min(best, choice, key=lambda one: cost(one.resources))
            if not prices.any():
                break
        step = cost(best.resources) / (2 + round)
        prices = np.maximum(0, prices + step * usual * (used * usual - 1))
    reached, bound = cost(best.resources), max(bound for _, bound in found)
    margin = _ROUNDING * max(1.0, reached)
    if bound < reached - margin:
        found = sorted(found, key=lambda one: -one[1])[:_KEPT_PRICES]
        rules = [(objective + own, reached - margin + float(own @ most)) for own, _ in found]
        rules += list(zip(np.eye(len(RESOURCES)), most, strict=True))
        try:
            best = _best_label(space, limits, rules, cost) or best
            bound = cost(best.resources)
        except TooMany:
            pass
    return replace(best, objective=cost(best.resources), bound=min(bound, cost(best.resources)))


def _best_label(
    space: FoldingSpace,
    limits: SpeedLimits,
    rules: Sequence[tuple[Vector, float]],
    rank: Callable[[Mapping[str, int]], Any],
) -> Choice | None:
    """The best of all foldings for which each rule's multiples of the resources are at most its limit."""
    while True:
        bounds = []
        for multipliers, most in rules:
            costs = within(space, limits, [unit.costs @ multipliers for unit in space.units])
            bounds.append(Bound(multipliers, most, space.elimination.rests(tables_of(space, costs))))
        tables = [_labels(unit, cost) for unit, cost in zip(space.units, costs, strict=True)]
        vectors, trace = all_labels(space.elimination, tables, bounds, _MOST_LABELS)
        if not len(vectors):
            return None
        found = [dict(zip(RESOURCES, map(int, vector), strict=True)) for vector in vectors]
        chosen = min(range(len(found)), key=lambda number: rank(found[number]))
        choice = Choice(space, tuple(trace(chosen)), 0.0)
        if limits.levels is None or choice.levels <= limits.levels:
            return choice


def _labels(unit: UnitOptions, costs: Vector) -> LabelTable:
    """The resources of a unit's options of finite cost, by key."""
    ends = [*unit.starts[1:], len(costs)]
    result = {}
    for start, end in zip(unit.starts, ends, strict=True):
        rows = start + np.flatnonzero(np.isfinite(costs[start:end]))
        if len(rows):
            result[tuple(map(int, unit.keys[start]))] = Labels(unit.costs[rows], rows[:, None])
    return result
