"""FIFO depths from simulation and from the token model: as few bits, and either as fast in the eyes of the other."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import bnnfpga
from bnnfpga.compiler.fifo_simulation import SimulatedFifos, depths_from_simulation, with_deepest
from bnnfpga.dataflow.folding import LayerFolding, apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.token_model import predict
from tests.dataflow.test_branching_nets import folded_net
from tests.support.resnets import ResNet


def fifos_of(graph: Graph) -> dict[str, Fifo]:
    return {unit.name: unit for unit in graph.operators if isinstance(unit, Fifo)}


@pytest.mark.parametrize("seed", [1, pytest.param(0, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_both_ways_agree(seed: int, tmp_path: Path) -> None:
    graph, folded = folded_net(seed)
    fifos, planned = fifos_of(folded), predict(folded)
    modelled = {name: unit.depth for name, unit in fifos.items()}
    simulated = depths_from_simulation(graph, folded)
    assert simulated == modelled
    trials = SimulatedFifos(with_deepest(graph, folded), tmp_path, planned)
    assert trials.is_as_fast(modelled)
    for name, unit in fifos.items():
        less = {**modelled, name: unit.depth - 1}
        assert unit.depth == 1 + unit.stages or not trials.is_as_fast(less)
    run = trials.run(modelled)
    assert (run.interval, run.latency) == (planned.initiation_interval, planned.latency)
    assert all(run.peaks[name] <= beats for name, beats in modelled.items())


def test_less_deep_in_a_run_is_less_deep_when_built(tmp_path: Path) -> None:
    graph, folded = folded_net(1)
    trials = SimulatedFifos(with_deepest(graph, folded), tmp_path, predict(folded))
    ((name, unit),) = fifos_of(folded).items()
    for depth in (unit.depth - 1, unit.depth):
        folding = {**parse_folding(folding_of(folded), "folding"), name: LayerFolding(depth=depth, stages=unit.stages)}
        cycles = predict(apply_folding(graph, folding))
        run = trials.run({name: depth})
        assert (run.interval, run.latency) == (cycles.initiation_interval, cycles.latency)
        # The input's pace is that of the output.
        assert trials.run({name: depth}, pace=2 * cycles.initiation_interval).interval == 2 * cycles.initiation_interval


def test_tune_takes_depths_from_simulation(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    onnx.save(ResNet(blocks=(1, 0, 0, 0), width=2, size=6, classes=2).model(), model)
    plain = bnnfpga.tune(model, cycles=1000)
    tuned = bnnfpga.tune(model, cycles=1000, fifo_from_simulation=True)
    assert tuned.plan.initiation_interval == plain.plan.initiation_interval
    assert tuned.plan.latency_cycles <= plain.plan.latency_cycles
    depths = {name: entry["depth"] for name, entry in tuned.folding.items() if "depth" in entry}
    assert any(depths.values())
    differ = {name for name, depth in depths.items() if depth != plain.folding[name]["depth"]}
    said = " ".join(text for text in tuned.plan.warnings if "differ from those of the token model" in text)
    assert differ == {name for name in depths if name in said}
