"""Who works, stalls and starves, against small cases and against what the token model predicts."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.activity import STALLED, STARVED, WORKING, activity
from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.python_player import pauses
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.token_model import predict
from tests.support.deep_graphs import BIPOLAR, CODES, GraphWriter

ONE = Schedule((Event(1, (1,), (1,), (1,)),), 0, (2,), (1,))
"""A beat a cycle through a queue of two."""


def test_the_pauses_of_a_unit() -> None:
    found, end = pauses(ONE, [[0, 1, 5, 6]], [[1, 2, 20, 21]])
    assert [(pause.start, pause.end, pause.for_room) for pause in found] == [(2, 5, False)]
    assert end == 6
    # The third beat waits until the first one has left.
    found, end = pauses(ONE, [[0, 0, 0]], [[9, 10, 11]])
    assert [(pause.start, pause.end, pause.for_room) for pause in found] == [(2, 10, True)]
    assert end == 10


def chain(first: int, second: int) -> Graph:
    writer = GraphWriter(seed=1)
    port = Port((16,), CODES, 1)
    for pe in (first, second):
        port = writer.threshold(port, CODES if pe == first and writer.last == "" else BIPOLAR)
    graph = writer.finished()
    units = [unit for unit in graph.operators if isinstance(unit, Threshold)]
    assert len(units) == 2
    return apply_folding(graph, {units[0].name: LayerFolding(pe=first), units[1].name: LayerFolding(pe=second)})


@pytest.mark.parametrize(("first", "second", "kind"), [(1, 4, STARVED), (4, 1, STALLED)])
def test_a_fast_unit_waits_for_a_slow_one(first: int, second: int, kind: int) -> None:
    graph = chain(first, second)
    played = activity(graph, frames=12, columns=100_000)
    cycles = predict(graph)
    assert [end - played.frame_done[0] for end in played.frame_done] == [
        end - cycles.done(12)[0] for end in cycles.done(12)
    ]
    assert played.shares.shape == (len(graph.operators), played.cycles, 3)
    assert np.allclose(played.shares.sum(axis=2), 1)
    middle = played.shares[:, played.cycles // 3 : played.cycles // 2]
    slow, fast = (played.units.index(f"threshold{number}") for number in ((0, 1) if first < second else (1, 0)))
    assert middle[slow, :, WORKING].mean() == 1
    assert middle[fast, :, kind].mean() > 0.5
    assert middle[fast, :, {STALLED: STARVED, STARVED: STALLED}[kind]].max() == 0
    # A column of many cycles has the means of theirs.
    coarse = activity(graph, frames=12, columns=7)
    assert np.allclose(coarse.shares.mean(axis=1), played.shares.mean(axis=1))
