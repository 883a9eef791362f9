"""The folding that fills a part least, as trying every folding shows."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.tuning.budgets import largest_share, least_share
from bnnfpga.tuning.cost_model import StatedCosts
from bnnfpga.tuning.folding_search import CostWeights, SpeedLimits
from bnnfpga.tuning.objective import Objective
from bnnfpga.tuning.space import FoldingSpace
from tests.tuning.small_nets import all_foldings, small_net
from tests.tuning.test_folding_search import cost, figures


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 108))])
def test_no_folding_takes_a_smaller_share(seed: int) -> None:
    graph, fixed = small_net(seed)
    every = [figures(folded) for _, folded in all_foldings(graph, fixed)]
    space = FoldingSpace(graph, StatedCosts(), fixed)
    rng = np.random.default_rng(seed)
    intervals = [interval for interval, _, _ in every]
    for _ in range(4):
        cycles = int(rng.choice(intervals))
        possible = [resources for interval, _, resources in every if interval <= cycles]
        # Scarce in some resources, so that any of them can be what limits.
        usual = {kind: np.median([resources[kind] for resources in possible]) for kind in RESOURCES}
        budget = {kind: int(usual[kind] * rng.uniform(0.2, 2.0)) + int(rng.integers(0, 2)) for kind in RESOURCES}
        best = min((largest_share(own, budget), own["lut"]) for own in possible)
        found = least_share(space, SpeedLimits(cycles), budget)
        assert found is not None
        if np.isfinite(best[0]):
            assert (largest_share(found.resources, budget), found.resources["lut"]) == pytest.approx(best)
            assert found.bound == pytest.approx(best[0])
            fitting = least_share(space, SpeedLimits(cycles), budget, fits=True)
            assert fitting is not None
            assert (fitting.objective <= 1) == (best[0] <= 1)
        else:
            assert largest_share(found.resources, budget) == np.inf
        weights = CostWeights(1.0, 0.25, 20.0, 10.0)
        allowed = {kind: int(usual[kind] * rng.uniform(0.7, 2.0)) + 1 for kind in RESOURCES}
        costs = [cost(own, weights) for own in possible if largest_share(own, allowed) <= 1]
        cheap = Objective(weights, allowed).best(space, SpeedLimits(cycles))
        assert (cheap is None) == (not costs)
        if cheap is not None:
            assert cheap.objective == pytest.approx(min(costs))
            assert cheap.bound == pytest.approx(min(costs))
