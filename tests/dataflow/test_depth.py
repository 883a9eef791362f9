"""Deep graphs: work that grows with the number of units alone, and as many units as anybody wants."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.codegen.hls import render_hls
from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.dataflow import token_model
from bnnfpga.dataflow.folding import apply_folding, folding_of
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.dataflow.token_model import predict
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.tuning.choose import choose_folding
from tests.support.deep_graphs import CLASSES, dense_chain, doubled, residual_chain
from tests.support.graphs import random_integers

CYCLES = 4096
FAST = 8
"""So few that layers have few foldings left."""
FEW, MANY = 6, 24
MAX_GROWTH = 1.1 * MANY / FEW
"""A step that looks at all units for each of them would do up to 16 times as much."""


def folded(graph: Graph, cycles: int = CYCLES) -> Graph:
    return apply_folding(graph, choose_folding(graph, cycles))


def _render(graph: Graph, folder: Path) -> None:
    render_rtl(graph, folder)
    render_hls(graph, folder)


STEPS: dict[str, tuple[bool, Callable[[Graph, Path], object]]] = {
    "choose": (False, lambda graph, _: choose_folding(graph, CYCLES)),
    "fold": (False, lambda graph, _: apply_folding(graph, {})),
    "play": (True, lambda graph, _: predict(graph)),
    "execute": (True, lambda graph, _: graph.execute(random_integers(graph.input.port, 2, 0))),
    "emulate": (True, lambda graph, _: Emulator(graph).scores(random_integers(graph.input.port, 2, 0))[0]),
    "render": (True, _render),
    "report": (True, lambda graph, _: (folding_of(graph), add_resources(*(u.resources() for u in graph.operators)))),
}
"""Whether it works on folded graphs, and the step."""


def calls(work: Callable[[], object]) -> int:
    """Python functions that are called in it."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "make",
    [lambda n: dense_chain(n, 16), lambda n: residual_chain(n, 4, 4), doubled],
    ids=["dense", "residual", "doubled"],
)
def test_work_grows_with_the_units(
    make: Callable[[int], Graph], step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_folded, work = STEPS[step]
    # The first one makes what is kept for ever.
    graphs = [folded(make(units)) if is_folded else make(units) for units in (2, FEW, MANY)]
    if is_folded:
        # What native code does is not counted. Folding plays a graph often, but small parts of it.
        monkeypatch.setattr(token_model, "_MIN_NATIVE_BEATS", 1 << 60)
    counts = []
    for index, graph in enumerate(graphs):
        folder = tmp_path / str(index)
        folder.mkdir()
        counts.append(calls(lambda graph=graph, folder=folder: work(graph, folder)))  # type: ignore[misc]
    assert counts[2] <= MAX_GROWTH * counts[1]


def test_a_chain_of_500_layers(tmp_path: Path) -> None:
    graph = folded(dense_chain(500, 16), FAST)
    assert len(graph.operators) > 1000
    cycles = predict(graph)
    assert cycles.initiation_interval <= FAST
    assert cycles.latency > 500
    x = random_integers(graph.input.port, 8, 0)
    scores = Emulator(graph).scores(x)[0]
    assert scores.shape == (8, CLASSES)
    np.testing.assert_array_equal(graph.execute(x)["output"], scores)
    _render(graph, tmp_path)
    assert (tmp_path / "rtl" / "accelerator.sv").read_text().count("bnn_threshold #(") == 501


@pytest.mark.parametrize("times", [1, 40])
def test_sums_of_themselves(times: int, tmp_path: Path) -> None:
    """x = x + x, over and over: as many units as additions and forks, not as ways through them."""
    bare = doubled(times)
    graph = folded(bare, 64)
    x = random_integers(graph.input.port, 4, 0)
    signs = graph.execute(x, [graph.outputs_of("threshold0")[0].name, "output"])
    first, last = signs.values()
    np.testing.assert_array_equal(last, first << times)
    np.testing.assert_array_equal(Emulator(graph).scores(x)[0], last)
    assert predict(graph).initiation_interval == 8
    _render(graph, tmp_path)


def test_a_chain_of_residual_blocks() -> None:
    graph = folded(residual_chain(40), 1000)
    x = random_integers(graph.input.port, 3, 0)
    np.testing.assert_array_equal(Emulator(graph).run(x)["output"], graph.execute(x)["output"])
    assert predict(graph).initiation_interval <= 1000
