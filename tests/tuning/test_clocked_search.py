"""Frames per second at the clock that units reach, against every folding."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from bnnfpga.dataflow.target import Target
from bnnfpga.tuning.clocked_search import best_at_speed, fastest_folding
from bnnfpga.tuning.cost_model import StatedCosts
from bnnfpga.tuning.folding_search import Choice, CostWeights, SpeedLimits, cheapest
from bnnfpga.tuning.pareto_front import pareto_front
from bnnfpga.tuning.space import FoldingSpace
from tests.tuning.small_nets import all_foldings, small_net
from tests.tuning.test_folding_search import cost, figures

WEIGHTS = CostWeights()


def speed(target: Target, interval: int, levels: int) -> float:
    return min(target.clock_mhz, round(target.reached_mhz(levels), 1)) * 1e6 / interval


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 40))])
def test_as_fast_and_as_cheap_as_any(seed: int) -> None:
    graph, fixed = small_net(seed)
    rng = np.random.default_rng(seed)
    # So fast that deep logic does not reach it.
    target = Target(float(rng.choice([200, 350])), graph.operators[0].target.family)
    graph = graph.built_for(target)
    every = [figures(folded) for _, folded in all_foldings(graph, fixed)]
    space = FoldingSpace(graph, StatedCosts(), fixed)

    def find(limits: SpeedLimits) -> Choice | None:
        return cheapest(space, limits, WEIGHTS)

    speeds = [speed(target, interval, levels) for interval, levels, _ in every]
    best = fastest_folding(space, target, find)
    assert best is not None
    assert speed(target, best.interval, best.levels) == pytest.approx(max(speeds))
    for fps in rng.choice(speeds, 3):
        possible = [cost(own[2], WEIGHTS) for own, reached in zip(every, speeds, strict=True) if reached >= fps]
        choice = best_at_speed(space, target, float(fps) * (1 - 1e-12), find)
        assert choice is not None
        assert speed(target, choice.interval, choice.levels) >= fps * (1 - 1e-9)
        assert cost(choice.resources, WEIGHTS) == pytest.approx(min(possible))


@pytest.mark.parametrize("seed", range(3))
def test_the_front_is_that_of_all_foldings(seed: int) -> None:
    graph, fixed = small_net(seed)
    every = [(own[0], cost(own[2], WEIGHTS)) for own in (figures(folded) for _, folded in all_foldings(graph, fixed))]
    front = {own for own in every if not any(a <= own[0] and b <= own[1] and (a, b) != own for a, b in every)}
    space = FoldingSpace(graph, StatedCosts(), fixed)
    found = pareto_front(space, partial(cheapest, space, weights=WEIGHTS))
    assert {(choice.interval, cost(choice.resources, WEIGHTS)) for choice in found} == front
    assert len(found) == len(front)
