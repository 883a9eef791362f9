"""Several pixels a cycle: a chain of all units that can, from the input to the output."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import LayerFolding, apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.token_model import predict
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.tuning.choose import choose_folding
from tests.dataflow.chains import random_table
from tests.support.graphs import check_in_verilator

BIPOLAR = IntegerType.bipolar()
SAME = Geometry((4, 8), (3, 3), pads=(1, 1, 1, 1))
HALVES = Geometry((4, 8), (2, 2), (2, 2))


def network() -> Graph:
    """A padded convolution, a residual depthwise one, a pool, a pointwise convolution; unfolded."""
    rng = np.random.default_rng(0)
    lookup = Lookup(
        "lookup0", (4, 8, 2), IntegerType.interval(0, 15), rng.integers(-3, 4, (2, 16)), IntegerType.interval(-3, 3)
    )
    first = MatrixVector(
        "matrix_vector0", rng.integers(-1, 2, (4, 18)), lookup.result_type, (4, 8), kernel=(3, 3), simd=1
    )
    threshold = Threshold("threshold0", (4, 8, 4), first.accumulator, random_table(rng, 4, -9, 9, 1))
    depthwise = VectorVector("vector_vector0", rng.choice([-1, 1], (9, 4)), BIPOLAR, (4, 8), None, True, kernel=(3, 3))
    shuffle = Select("select0", (4, 8), 4, (2, 0, 3, 1), BIPOLAR)
    add = Add("add0", (4, 8, 4), (depthwise.result_type, BIPOLAR), (1, 2))
    signs = Threshold("threshold1", (4, 8, 4), add.result_type, random_table(rng, 4, -9, 9, 1))
    pool = Pool("pool0", (2, 4), (2, 2), 4, BIPOLAR, "extremum", np.array([False, True, True, False]))
    last = MatrixVector("matrix_vector1", rng.choice([-1, 1], (3, 4)), BIPOLAR, (2, 4))
    units: list[Operator] = [
        lookup,
        Window("window0", SAME, 2, lookup.result_type),
        first,
        threshold,
        Fork("fork0", threshold.outputs[0]),
        shuffle,
        Window("window1", SAME, 4, BIPOLAR),
        depthwise,
        add,
        signs,
        Window("window2", HALVES, 4, BIPOLAR),
        pool,
        last,
    ]
    graph = Graph()
    units.append(ScoreOutput("score_output", last.outputs[0]))
    for unit in units:
        graph.add(unit)
    for before, after in pairwise(units):
        graph.connect(before.name, after.name, any_lanes=True)
    graph.connect("fork0", "add0", output=1, input=1, any_lanes=True)
    graph.set_boundary("lookup0", ["score_output"])
    return graph


@pytest.mark.parametrize("cycles", [32, 16, 8, 4])
def test_as_fast_as_asked(cycles: int, tmp_path: Path) -> None:
    """A chosen folding makes every unit of the chain as fast, and the hardware agrees with its meaning."""
    graph = network()
    folded = apply_folding(graph, choose_folding(graph, cycles))
    assert check_in_verilator(folded, tmp_path).initiation_interval <= cycles


def between(pads: tuple[int, int, int, int] = (0, 1, 2, 0)) -> Graph:
    """Units that have no folding at the input, in a row, and at the output: a fork, a select, pads that are made."""
    rng = np.random.default_rng(1)
    image = Port((4, 8, 2), BIPOLAR, 1)
    add = Add("add0", (4, 8, 2), (BIPOLAR, BIPOLAR), (1, 2))
    signs = Threshold("threshold0", (4, 8, 2), add.result_type, random_table(rng, 2, -3, 3, 1))
    padded = Geometry((4, 8), (1, 1), pads=(1, 1, 1, 1))
    pool = Pool("pool0", (3, 5), (2, 2), 2, BIPOLAR, "extremum", np.array([False, True]))
    last = Window("window2", Geometry((3, 5), (1, 1), pads=pads), 2, BIPOLAR, -1)
    units = [
        Fork("fork0", image),
        Select("select0", (4, 8), 2, (1, 0), BIPOLAR),
        add,
        signs,
        Window("window0", padded, 2, BIPOLAR, 1),
        Window("window1", Geometry((6, 10), (2, 2), (2, 2)), 2, BIPOLAR),
        pool,
        last,
        ScoreOutput("score_output", last.outputs[0]),
    ]
    graph = Graph()
    for unit in units:
        graph.add(unit)
    for before, after in pairwise(units):
        graph.connect(before.name, after.name, any_lanes=True)
    graph.connect("fork0", "add0", output=1, input=1, any_lanes=True)
    graph.set_boundary("fork0", ["score_output"])
    return graph


@pytest.mark.parametrize("cycles", [32, 16, 6])
def test_units_without_a_folding_keep_up(cycles: int, tmp_path: Path) -> None:
    graph = between()
    folded = apply_folding(graph, choose_folding(graph, cycles))
    assert check_in_verilator(folded, tmp_path).initiation_interval <= cycles


@pytest.mark.parametrize(("pads", "layer", "fastest"), [((0, 1, 2, 0), "window0", 6), ((0, 1, 7, 0), "window2", 10)])
def test_the_fastest_that_is_named_is_possible(pads: tuple[int, int, int, int], layer: str, fastest: int) -> None:
    """The slowest layer is named, though others are too slow as well; it may have no folding."""
    graph = between(pads)
    with pytest.raises(UserError, match=f"layer '{layer}' takes at least {fastest} cycles per frame; 1 were asked for"):
        choose_folding(graph, 1)
    assert predict(apply_folding(graph, choose_folding(graph, fastest))).initiation_interval == fastest


def test_the_folding_survives_its_file() -> None:
    graph = network()
    folded = apply_folding(graph, choose_folding(graph, 8))
    again = apply_folding(graph, parse_folding(folding_of(folded), "file"))
    assert [(unit.name, unit.rtl().parameters.keys(), unit.folding) for unit in again.operators] == [
        (unit.name, unit.rtl().parameters.keys(), unit.folding) for unit in folded.operators
    ]


@pytest.mark.parametrize(
    ("layer", "folding", "words"),
    [
        ("matrix_vector0", LayerFolding(8, 6), ["simd: 6 is not legal", "with this pe, legal values are 18"]),
        ("matrix_vector0", LayerFolding(8), ["pe: 8 does not go with simd: 1", "give simd, too", "values are 18"]),
        ("pool0", LayerFolding(2, 3), ["simd: 3 is not legal", "with this pe, legal values are 1, 2, 4"]),
        (
            "matrix_vector0",
            LayerFolding(2, 6, kernel_pixels=9),
            ["kernel_pixels: 9", "with this simd, legal values are 3"],
        ),
        ("threshold0", LayerFolding(4, kernel_pixels=1), ["kernel_pixels: 1 is not legal", "has no kernel_pixels"]),
        ("vector_vector0", LayerFolding(4, 2), ["simd: 2 is not legal", "1, 3, 9"]),
        ("threshold0", LayerFolding(12), ["pe: 12 is not legal", "1, 2, 4, 8, 16, 32"]),
    ],
)
def test_errors_name_what_is_legal(layer: str, folding: LayerFolding, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        apply_folding(network(), {layer: folding})
    for word in words:
        assert word in str(caught.value)
