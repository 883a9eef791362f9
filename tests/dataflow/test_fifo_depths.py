"""FIFOs where branches meet again: as small as can be, as fast as if they were unbounded, and as hardware."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow import fifo_depths, token_model
from bnnfpga.dataflow.assembly import FifoForm, assemble, join_fifos
from bnnfpga.dataflow.fifo_depths import Build, with_fifos
from bnnfpga.dataflow.folding import LayerFolding, apply_folding, deadlocks_refused, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.token_model import Playing, player_for, predict
from bnnfpga.tuning.choose import choose_folding
from tests.support.deep_graphs import BIPOLAR, PIXEL, GraphWriter, residual_chain
from tests.support.graphs import check_in_verilator


def dense_block(layers: int, size: int, growth: int = 2, seed: int = 0) -> Graph:
    """Each layer reads all channels before it, and adds some: as in DenseNet."""
    writer = GraphWriter(seed)
    port = writer.threshold(Port((size, size, 4), PIXEL, 1), BIPOLAR)
    for _ in range(layers):
        fork = writer.name("fork")
        source = writer.put(Fork(fork, port))
        port = writer.convolution(source, growth, 3, 1, BIPOLAR)
        channels = (growth, source.shape[-1])
        port = writer.join(fork, Concat(writer.name("concat"), (size, size), channels, BIPOLAR, 1), output=1)
    return writer.finished()


def bits(graph: Graph) -> int:
    return sum(unit.depth * unit.port.width for unit in graph.operators if isinstance(unit, Fifo))


def parts(graph: Graph, cycles: int) -> tuple[Build, tuple[str, ...]]:
    """What builds the folded graph with any FIFOs, and their names."""
    folded = apply_folding(graph, {**choose_folding(graph, cycles), **no_fifos(graph)})
    units = {unit.name: unit for unit in folded.operators if unit.name in {old.name for old in graph.operators}}
    return partial(assemble, graph, units), join_fifos(graph)


def no_fifos(graph: Graph) -> dict[str, LayerFolding]:
    return {name: LayerFolding(depth=0) for name in join_fifos(graph)}


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_model, "_MIN_NATIVE_BEATS", 0)


SMALL = {
    "a block": (residual_chain(1, size=3, channels=2), 400),
    "a fast block": (residual_chain(1, size=3, channels=2), 100),
    "a layer of a dense block": (dense_block(1, 3), 300),
}


@pytest.mark.parametrize("name", SMALL)
def test_as_few_bits_as_can_be(name: str, native: None) -> None:
    """Against all smaller FIFOs: nothing that is as fast has less than 10 % fewer bits."""
    graph, most = SMALL[name]
    build, names = parts(graph, most)
    goal = fifo_depths._Goal(build(dict.fromkeys(names, FifoForm(1 << 40))), names)
    sized = with_fifos(build, names)
    cycles = predict(sized)
    assert cycles.initiation_interval == goal.interval
    assert cycles.latency <= goal.latency
    assert sum(unit.depth for unit in sized.operators if isinstance(unit, Fifo)) <= 40
    assert fewest_bits(build, names, bits(sized), goal) >= bits(sized) / 1.1


def fewest_bits(build: Build, names: tuple[str, ...], most: int, goal: fifo_depths._Goal) -> int:
    """The fewest bits, up to `most`, of FIFOs that are as fast, by trying all."""
    wide = build(dict.fromkeys(names, FifoForm(2)))
    widths = [wide[name].inputs[0].width for name in names]

    def fast(depths: tuple[int, ...]) -> bool:
        forms = {name: FifoForm(depth) for name, depth in zip(names, depths, strict=True) if depth}
        graph = build(forms)
        return goal.met(Playing(graph, player_for(graph)))

    # No FIFO is smaller than it may be while all others are large.
    ranges = []
    for place, width in enumerate(widths):
        choices = (0, *range(2, most // width + 1))
        large = [1 << 30] * len(names)
        ranges.append([depth for depth in choices if fast((*large[:place], depth, *large[place + 1 :]))])
    totals = [
        (total, depths)
        for depths in product(*ranges)
        for total in (sum(depth * width for depth, width in zip(depths, widths, strict=True)),)
        if total < most
    ]
    return next((total for total, depths in sorted(totals) if fast(depths)), most)


@pytest.mark.parametrize("name", ["a fast block"])
def test_in_hardware(name: str, tmp_path: Path) -> None:
    graph, cycles = SMALL[name]
    folded = apply_folding(graph, choose_folding(graph, cycles))
    reached = check_in_verilator(folded, tmp_path, frames=20)
    assert reached.initiation_interval == max(unit.interval() for unit in folded.operators)


def test_a_slow_unit_behind_a_join_fills_no_fifo() -> None:
    """Beats that would wait for it anyway wait in front of the branches."""
    build, names = parts(dense_block(4, 4), 100)
    bare = build({})
    slow = bare[bare.operators[-2].name].interval()
    sized = with_fifos(build, names)
    assert predict(sized).initiation_interval == max(unit.interval() for unit in sized.operators) >= slow
    endless = fifo_depths._Goal(build(dict.fromkeys(names, FifoForm(1 << 40))), names)
    assert bits(sized) < sum(endless.paced[name] * endless.width(name) for name in names)


def test_depths_stand_in_the_folding(tmp_path: Path) -> None:
    graph = residual_chain(2)
    folded = apply_folding(graph, choose_folding(graph, 400))
    data = folding_of(folded)
    fifos = {name: entry for name, entry in data.items() if "depth" in entry}
    assert sorted(fifos) == sorted(join_fifos(graph))
    assert {entry["depth"] for entry in fifos.values()} > {0}
    again = apply_folding(graph, parse_folding(data, "folding"))
    assert [unit.name for unit in again.operators] == [unit.name for unit in folded.operators]
    assert folding_of(again) == data
    # One of them by hand, the other ones as they come.
    name = next(name for name, entry in fifos.items() if entry["depth"])
    deeper = apply_folding(graph, {**choose_folding(graph, 400), name: LayerFolding(depth=400)})
    assert folding_of(deeper)[name] == {"depth": 400, "stages": 2}
    assert {other: folding_of(deeper)[other] for other in fifos if other != name} == {
        other: entry for other, entry in fifos.items() if other != name
    }


@pytest.mark.parametrize("given", [{}, {"add6_0_fifo": LayerFolding(depth=0)}])
def test_a_deadlock_names_its_cycle(given: dict[str, LayerFolding]) -> None:
    graph = residual_chain(1)
    folding = {**choose_folding(graph, 400), "add6_1_fifo": LayerFolding(depth=2), **given}
    with (
        pytest.raises(UserError, match="units wait for each other") as caught,
        deadlocks_refused(folding, "folding"),
    ):
        predict(apply_folding(graph, folding))
    text = str(caught.value)
    assert "'add6' waits for a beat from" in text
    assert "'fork1' waits until 'add6" in text


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("add6_1_fifo", {"depth": 1}, "depth: 1 is not legal"),
        ("add6_1_fifo", {"depth": -1}, "depth: -1 is not legal"),
        ("add6_1_fifo", {"depth": True}, "depth: True is not legal"),
        ("add6_1_fifo", {"depth": 1 << 21}, "depth: 2097152 is not legal"),
        ("add6_1_fifo", {"depth": 3, "stages": 3}, "depth: 3 is not legal"),
        ("add6_1_fifo", {"depth": 9, "stages": 4}, "stages: 4 is not legal"),
        ("add6_1_fifo", {"stages": 2}, "stages without a depth"),
        ("add6_1_fifo", {"pe": 2}, "a FIFO has no pe"),
        ("add6_2_fifo", {"depth": 2}, "did you mean 'add6_1_fifo'"),
        ("matrix_vector3", {"depth": 2}, "a layer has no depth"),
    ],
)
def test_wrong_settings_are_told(name: str, entry: dict[str, object], message: str) -> None:
    graph = residual_chain(1)
    with pytest.raises(UserError, match=message):
        apply_folding(graph, parse_folding({name: entry}, "folding"))
