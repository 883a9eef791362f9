"""The folding that fills a part least, or that is cheapest within a budget of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.tuning.capped_search import Capped, Measures
from bnnfpga.tuning.folding_search import Choice, CostWeights, SpeedLimits
from bnnfpga.tuning.space import FoldingSpace

_LUTS = CostWeights(1.0, 0.0, 0.0, 0.0)
_MOST_USED = 1e12


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
    search = _capped(space, limits, budget)
    best = search.least_share(_rank(search), fits=fits)
    if best is None or fits:
        return best
    share, bound = largest_share(best.resources, budget), best.bound
    caps = {kind: min(budget[kind] * share, _MOST_USED) for kind in RESOURCES}
    if np.isfinite(share):
        best = cheapest_within(space, limits, _LUTS, caps, best)
    share = largest_share(best.resources, budget)
    return replace(best, objective=share, bound=share if bound is None else min(bound, share))


def small_share(space: FoldingSpace, limits: SpeedLimits, budget: Mapping[str, int]) -> Choice | None:
    """The best folding that prices alone lead to: in a small part of the time, near that of `least_share`, often it."""
    search = _capped(space, limits, budget)
    return search.small_share(_rank(search))


def _rank(search: Capped) -> Callable[[NDArray[np.float64]], tuple[float, float]]:
    """By the largest share, then by LUTs."""
    luts = RESOURCES.index("lut")
    return lambda resources: (search.share(resources), float(resources[luts]))


def cheapest_within(
    space: FoldingSpace, limits: SpeedLimits, weights: CostWeights, caps: Mapping[str, float], best: Choice
) -> Choice:
    """The cheapest folding that takes at most `caps` of each resource, as `best` does.

    `bound` of the result says how much cheaper one could be that was not found.
    """
    choice = _capped(space, limits, caps).cheapest(weights.vector, best)
    assert choice is not None
    return choice


def _capped(space: FoldingSpace, limits: SpeedLimits, caps: Mapping[str, float]) -> Capped:
    measures = Measures([unit.costs for unit in space.units])
    return Capped(space, limits, measures, np.array([caps[kind] for kind in RESOURCES], np.float64))
