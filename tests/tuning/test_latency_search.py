"""The cheapest folding within a latency, as playing every folding shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bnnfpga.dataflow.assembly import join_fifos
from bnnfpga.dataflow.folding import Folding, LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import Deadlock, predict
from bnnfpga.tuning.choose import beside
from bnnfpga.tuning.cost_model import StatedCosts
from bnnfpga.tuning.first_frame import longest_path
from bnnfpga.tuning.folding_search import Choice, CostWeights
from bnnfpga.tuning.latency_search import LatencySearch, Played
from bnnfpga.tuning.objective import Objective
from bnnfpga.tuning.space import FoldingSpace
from tests.tuning.small_nets import all_foldings, small_net
from tests.tuning.test_folding_search import cost, figures

WEIGHTS = CostWeights()


def played(graph: Graph, folding: Folding, target: Target) -> Played:
    try:
        folded = apply_folding(graph, folding)
        cycles = predict(folded).latency
    except Deadlock:
        return Played(math.inf, target.clock_mhz, ())
    return Played(cycles, min(target.clock_mhz, folded.slowest.estimated_mhz), longest_path(folded, graph))


@pytest.mark.parametrize(
    "seed", [0, 1, 15, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (*range(2, 15), *range(16, 100)))]
)
def test_no_folding_within_the_latency_is_cheaper(seed: int) -> None:
    check(seed, *small_net(seed))


@pytest.mark.parametrize(
    "seed", [3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 1, 2, *range(4, 40)))]
)
def test_depths_that_are_fixed_are_played(seed: int) -> None:
    """FIFOs of fixed depths make foldings slower, or let their units wait for each other: then they do not count."""
    graph, fixed = joined_net(seed)
    rng = np.random.default_rng(seed)
    depths = {name: LayerFolding(depth=int(rng.choice([0, 2, 5]))) for name in join_fifos(graph)}
    check(seed, graph, {**fixed, **depths})


def joined_net(seed: int) -> tuple[Graph, Folding]:
    """A small net in which branches meet."""
    nets = (small_net(other) for other in range(1000 * seed, 1000 * (seed + 1)))
    return next((graph, fixed) for graph, fixed in nets if join_fifos(graph))


def check(seed: int, graph: Graph, fixed: Folding) -> None:
    target = graph.operators[0].target
    every = [
        (played(graph, {**fixed, **folding}, target).microseconds, cost(figures(deepest)[2], WEIGHTS))
        for folding, deepest in all_foldings(graph, fixed)
    ]
    space = FoldingSpace(graph, StatedCosts(), fixed, timed=True)

    def play(choice: Choice) -> Played:
        return played(graph, beside(fixed, choice), target)

    latencies = sorted({latency for latency, _ in every if latency < math.inf})
    shortest = LatencySearch(space, target, Objective(WEIGHTS), play).shortest()
    if not latencies:
        assert shortest is None
        assert LatencySearch(space, target, Objective(WEIGHTS), play).cheapest(1e6) is None
        return
    rng = np.random.default_rng(seed)
    for wanted in {latencies[0], *rng.choice(latencies, 3).tolist()}:
        choice = LatencySearch(space, target, Objective(WEIGHTS), play).cheapest(wanted)
        assert choice is not None
        assert play(choice).microseconds <= wanted
        assert choice.objective == pytest.approx(min(own for latency, own in every if latency <= wanted))
        assert choice.bound == pytest.approx(choice.objective)
    assert LatencySearch(space, target, Objective(WEIGHTS), play).cheapest(latencies[0] * 0.99) is None
    if shortest is not None:
        assert shortest.bound <= latencies[0] * (1 + 1e-9)
        assert shortest.played.microseconds >= latencies[0] * (1 - 1e-9)
