"""Given FIFO depths that make an accelerator slower: a warning names them, and what the interval would be."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import bnnfpga
from bnnfpga.compiler.speed import FoldedUnits
from bnnfpga.dataflow.assembly import join_fifos
from bnnfpga.dataflow.folding import LayerFolding, folding_of, parse_folding
from bnnfpga.dataflow.target import DEFAULT_TARGET
from bnnfpga.tuning.choose import choose_folding
from tests.support.branching_nets import branching_net
from tests.support.deep_graphs import residual_chain
from tests.support.resnets import ResNet

GRAPHS = {"residual": (residual_chain(1, size=4, channels=4), 400), "branches": (branching_net(3), 1000)}


@pytest.mark.parametrize("name", GRAPHS)
def test_every_depth_that_slows_is_named(name: str) -> None:
    """One FIFO of a sized accelerator less deep: slower, or not, or it stops."""
    graph, cycles = GRAPHS[name]
    planned = FoldedUnits.of(graph, choose_folding(graph, cycles), DEFAULT_TARGET)
    sized = parse_folding(folding_of(planned.graph), "folding")
    assert planned.shallow is None
    assert FoldedUnits.of(graph, sized, DEFAULT_TARGET).shallow is None
    slower = 0
    for fifo in join_fifos(graph):
        most = sized[fifo].depth or 0
        for depth in {most - 1, most * 3 // 4, most // 2} - {-1, 0, 1}:
            try:
                units = FoldedUnits.of(graph, {**sized, fifo: LayerFolding(depth=depth)}, DEFAULT_TARGET)
            except bnnfpga.UserError:  # a deadlock
                continue
            interval = units.cycles.initiation_interval
            if interval == planned.cycles.initiation_interval:
                assert units.shallow is None
                continue
            slower += 1
            assert units.shallow is not None
            assert list(units.shallow.depths) == [fifo]
            assert units.shallow.depths[fifo][0] == depth
            assert (units.shallow.interval, units.shallow.reached) == (interval, planned.cycles.initiation_interval)
            text = (
                f"a frame takes {interval:,} cycles instead of {planned.cycles.initiation_interval:,}; "
                "give a larger depth, or none: then it is computed"
            )
            assert any(fifo in line and line.endswith(text) for line in units.warnings(None))
    assert slower


def test_a_plan_that_deadlocks_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    onnx.save(ResNet(blocks=(1, 0, 0, 0), width=4, size=8, classes=4).model(), model)
    planner = bnnfpga.Planner(model)
    plan = planner.plan(cycles=3000)
    depths = {name: int(entry["depth"]) for name, entry in plan.folding.items() if "depth" in entry}
    fifo = max(depths, key=lambda name: depths[name])
    with pytest.raises(bnnfpga.UserError, match=f"units wait for each other: .*{fifo}"):
        planner.plan(folding={**plan.folding, fifo: {"depth": 2}})
