"""The best folding when several sums over the units have caps, exact under the cost model or with a stated bound.

One number a state is not enough for several sums. Prices (Lagrange multipliers) make them one: each set of prices gives
a folding and a lower bound. What is left between the best folding and the best bound is closed by dynamic programming
on sets of vectors (`labels`), from which the bounds remove nearly all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.tuning.folding_search import Choice, SpeedLimits, least, tables_of, within
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


@dataclass(frozen=True, eq=False)
class Measures:
    """Numbers of each option that add up over the units.

    Parameters
    ----------
    columns
        For each unit of a space, float64 (options, measures).
    """

    columns: Sequence[Vector]

    def of(self, choice: Choice) -> Vector:
        """float64 (measures,): the sums of a choice."""
        total: Vector = np.sum([own[row] for own, row in zip(self.columns, choice.rows, strict=True)], axis=0)
        return total

    def priced(self, prices: Vector) -> list[Vector]:
        """The priced sum of each option of each unit."""
        return [own @ prices for own in self.columns]


@dataclass(frozen=True, eq=False)
class Capped:
    """A search within limits among foldings whose measures are compared with `caps`, float64 (measures,)."""

    space: FoldingSpace
    limits: SpeedLimits
    measures: Measures
    caps: Vector

    def share(self, sums: Vector) -> float:
        """The largest share of a cap that some sums take: infinite where there is none of what is needed."""
        empty = self.caps <= 0
        if np.any(sums[empty] > 0):
            return np.inf
        shares = sums[~empty] / self.caps[~empty]
        return float(shares.max(initial=0.0))

    def least_share(self, rank: Callable[[Vector], Any], *, fits: bool) -> Choice | None:
        """The choice whose largest share is the least, by `rank` among equals, or any that keeps the caps if `fits`.

        `objective` of the result is that share, `bound` what no choice within the limits falls below. None if there is
        no choice within the limits. If `fits`, `bound` is above 1 if there is none that keeps the caps.
        """
        found = self._priced(1.0 if fits else None)
        if not found:
            return None
        best = min((choice for _, _, choice in found), key=lambda choice: rank(self.measures.of(choice)))
        bound = max(bound for _, bound, _ in found)
        share = self.share(self.measures.of(best))
        if not (fits and (share <= 1 or bound > 1)):
            best, bound = self._closed(found, best, rank)
            share = self.share(self.measures.of(best))
        return replace(best, objective=share, bound=bound)

    def small_share(self, rank: Callable[[Vector], Any]) -> Choice | None:
        """What prices alone lead to: in a small part of the time, near the choice of `least_share`, often it."""
        found = self._priced(None, _FEW_ROUNDS)
        if not found:
            return None
        best = min((choice for _, _, choice in found), key=lambda choice: rank(self.measures.of(choice)))
        share = self.share(self.measures.of(best))
        return replace(best, objective=share, bound=min(share, max(bound for _, bound, _ in found)))

    @property
    def _scale(self) -> Vector:
        return np.array([1 / cap if cap > 0 else 1e6 for cap in self.caps])

    def _priced(self, stop: float | None, rounds: int = _ROUNDS) -> list[tuple[Vector, float, Choice]]:
        """Prices that grow for the measures of which the choices take the most, with bounds and choices.

        They follow the multiplicative weights of the shares (Arora, Hazan and Kale, 2012).
        """
        found: list[tuple[Vector, float, Choice]] = []
        scale = self._scale
        weights = np.ones(len(scale)) / len(scale)
        for round in range(rounds):
            prices = weights * scale
            choice = least(self.space, self.limits, self.measures.priced(prices))
            if choice is None:
                return []
            found.append((prices, choice.objective, choice))
            best = min(self.share(self.measures.of(choice)) for _, _, choice in found)
            bound = max(bound for _, bound, _ in found)
            if bound >= best * (1 - _ROUNDING) or (stop is not None and (best <= stop or bound > stop)):
                break
            shares = self.measures.of(choice) * scale
            shares = np.clip(shares / max(shares.max(), 1e-12), -1, 1)
            weights = weights * np.exp(_RATE / np.sqrt(1 + round) * shares)
            weights /= weights.sum()
        return found

    def _closed(
        self, priced: Sequence[tuple[Vector, float, Choice]], best: Choice, rank: Callable[[Vector], Any]
    ) -> tuple[Choice, float]:
        """The best choice of all, or one that is known to be within a tolerance; and the bound."""
        bound = max(bound for _, bound, _ in priced)
        prices = [own for own, _, _ in sorted(priced, key=lambda one: -one[1])[:_KEPT_PRICES]]
        for tolerance in _TOLERANCES:
            share = self.share(self.measures.of(best))
            most = share * (1 - tolerance) - _ROUNDING * share
            if bound >= most:
                return best, bound
            # No measure alone may take more, and no weighted sum of them.
            rules = [(own, most) for own in (*prices, *np.diag(self._scale))]
            try:
                better = self._best_label(rules, rank)
            except TooMany:
                continue
            if better is None:
                return best, most if tolerance else share
            return better, self.share(self.measures.of(better))
        return best, bound

    def cheapest(self, weights: Vector, best: Choice | None) -> Choice | None:
        """The choice with the least weighted sum of measures that keeps the caps; None if there is none.

        It is found with prices on the measures, then by all vectors that may be cheaper; where these are too many,
        `bound` of the result says how much cheaper one could be.

        Parameters
        ----------
        weights
            float64 (measures,), at least 0.
        best
            A choice that keeps the caps, if one is known.

        Raises
        ------
        TooMany
            If no choice is known and none was found, but there may be one.
        """
        capped = np.isfinite(self.caps)
        most = np.where(capped, self.caps, 0.0) + _ROUNDING
        usual = np.where(most > 1, 1 / np.maximum(most, 1), 1)
        prices = np.zeros(len(most))
        found: list[tuple[Vector, float]] = []

        def cost(choice: Choice) -> float:
            return float(weights @ self.measures.of(choice))

        for round in range(_ROUNDS):
            choice = least(self.space, self.limits, self.measures.priced(weights + prices))
            if choice is None:
                return None
            found.append((prices, choice.objective - float(prices @ most)))
            used = self.measures.of(choice)
            if np.all(used <= self.caps + _ROUNDING):
                best = choice if best is None else min(best, choice, key=cost)
                if not prices.any():
                    break
            step = cost(choice if best is None else best) / (2 + round)
            prices = np.where(capped, np.maximum(0, prices + step * usual * (used * usual - 1)), 0.0)
        bound = max(bound for _, bound in found)
        reached = np.inf if best is None else cost(best)
        margin = _ROUNDING * max(1.0, reached)
        if best is None or bound < reached - margin:
            found = sorted(found, key=lambda one: -one[1])[:_KEPT_PRICES]
            rules = [(own, cap) for own, cap in zip(np.eye(len(most)), self.caps + _ROUNDING, strict=True)]
            rules = [rule for rule, is_capped in zip(rules, capped, strict=True) if is_capped]
            if best is not None:
                rules += [(weights + own, reached - margin + float(own @ most)) for own, _ in found]
            try:
                best = self._best_label(rules, lambda sums: float(weights @ sums)) or best
                bound = np.inf if best is None else cost(best)
            except TooMany:
                if best is None:
                    raise
        return None if best is None else replace(best, objective=cost(best), bound=min(bound, cost(best)))

    def _best_label(self, rules: Sequence[tuple[Vector, float]], rank: Callable[[Vector], Any]) -> Choice | None:
        """The best of all choices for which each rule's multiples of the measures are at most its limit."""
        while True:
            bounds = []
            for multipliers, most in rules:
                costs = within(self.space, self.limits, self.measures.priced(multipliers))
                bounds.append(Bound(multipliers, most, self.space.elimination.rests(tables_of(self.space, costs))))
            columns = zip(self.space.units, costs, self.measures.columns, strict=True)
            tables = [_labels(unit, cost, own) for unit, cost, own in columns]
            vectors, trace = all_labels(self.space.elimination, tables, bounds, _MOST_LABELS)
            if not len(vectors):
                return None
            chosen = min(range(len(vectors)), key=lambda number: rank(vectors[number]))
            choice = Choice(self.space, tuple(trace(chosen)), 0.0)
            if self.limits.levels is None or choice.levels <= self.limits.levels:
                return choice


def _labels(unit: UnitOptions, costs: Vector, measures: Vector) -> LabelTable:
    """The measures of a unit's options of finite cost, by key."""
    ends = [*unit.starts[1:], len(costs)]
    result = {}
    for start, end in zip(unit.starts, ends, strict=True):
        rows = start + np.flatnonzero(np.isfinite(costs[start:end]))
        if len(rows):
            result[tuple(map(int, unit.keys[start]))] = Labels(measures[rows], rows[:, None])
    return result
