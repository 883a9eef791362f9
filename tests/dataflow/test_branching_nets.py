"""Random nets whose branches meet again: FIFOs as shallow as stated, cycles as predicted, no deadlock under stalls."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.assembly import fifo_name, joined_inputs
from bnnfpga.dataflow.folding import apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.token_model import Playing, player_for, predict
from bnnfpga.tuning.choose import choose_folding
from bnnfpga.tuning.join_bounds import JoinBounds
from tests.support.branching_nets import branching_net
from tests.support.graphs import check_in_verilator
from tests.support.seeds import seeds

FRAMES = 30


@cache
def folded_net(seed: int) -> tuple[Graph, Graph]:
    """A net, and the same at some speed."""
    graph = branching_net(seed)
    cycles = int(np.random.default_rng(seed).choice([60, 200, 1000, 3000]))
    try:
        return graph, apply_folding(graph, choose_folding(graph, cycles))
    except UserError:
        return graph, apply_folding(graph, choose_folding(graph, 5000))


@pytest.mark.parametrize("seed", seeds(50, 8))
def test_fifos_keep_the_interval_and_their_bounds(seed: int) -> None:
    graph, folded = folded_net(seed)
    assert predict(folded).initiation_interval == max(unit.interval() for unit in folded.operators)
    bounds = JoinBounds(graph)
    for unit in graph.operators:
        for input in joined_inputs(unit):
            before = folded[str(folded.inputs_of(unit.name)[input].producer)]
            if isinstance(before, Fifo):
                assert before.name == fifo_name(unit, input)
                assert before.depth <= bounds.form(folded[unit.name], input).depth


@pytest.mark.parametrize("seed", seeds(50, 8))
def test_later_frames_are_as_certain_as_said(seed: int) -> None:
    _, folded = folded_net(seed)
    cycles = predict(folded)
    assert len(cycles.frame_done) < 10
    run = Playing(folded, player_for(folded))
    for _ in range(FRAMES):
        run.play_frame()
    assert [end - run.started for end in run.done] == cycles.done(FRAMES)


@pytest.mark.parametrize("seed", seeds(50, 1))
def test_no_stall_stops_them(seed: int, tmp_path: Path) -> None:
    _, folded = folded_net(seed)
    check_in_verilator(folded, tmp_path, frames=200, stall_seeds=(0, 1, 2))
