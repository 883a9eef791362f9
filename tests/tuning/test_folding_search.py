"""The search finds the cheapest of all foldings, as trying every one of them shows."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.tuning.cost_model import StatedCosts
from bnnfpga.tuning.folding_search import CostWeights, SpeedLimits, cheapest, fastest
from bnnfpga.tuning.space import FoldingSpace
from tests.tuning.small_nets import all_foldings, small_net, with_deepest_fifos

WEIGHTS = (CostWeights(), CostWeights(1.0, 0.0, 7.0, 3.0))


def figures(graph: Graph) -> tuple[int, int, dict[str, int]]:
    """Interval, logic levels and resources."""
    units = graph.operators
    resources = add_resources(*(unit.resources() for unit in units))
    return max(unit.interval() for unit in units), max(unit.logic_levels for unit in units), resources


def cost(resources: dict[str, int], weights: CostWeights) -> float:
    return sum(getattr(weights, kind) * count for kind, count in resources.items())


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 112))])
def test_no_folding_is_cheaper(seed: int) -> None:
    graph, fixed = small_net(seed)
    every = [figures(folded) for _, folded in all_foldings(graph, fixed)]
    space = FoldingSpace(graph, StatedCosts(), fixed)
    rng = np.random.default_rng(seed)
    intervals = sorted({interval for interval, _, _ in every})
    assert fastest(space).interval == intervals[0]
    for cycles in {intervals[-1], *rng.choice(intervals, 3).tolist()}:
        for levels in (None, int(rng.choice([level for _, level, _ in every]))):
            for weights in WEIGHTS:
                possible = [
                    cost(resources, weights)
                    for interval, level, resources in every
                    if interval <= cycles and (levels is None or level <= levels)
                ]
                found = cheapest(space, SpeedLimits(cycles, levels), weights)
                assert (found is None) == (not possible)
                if found is not None:
                    interval, level, resources = figures(with_deepest_fifos(graph, found.folding))
                    assert (found.interval, found.levels, found.resources) == (interval, level, resources)
                    assert interval <= cycles
                    assert levels is None or level <= levels
                    assert cost(resources, weights) == pytest.approx(min(possible))
