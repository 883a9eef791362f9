"""Units with one word of weights: what synthesis reads runs in Verilator, to the bit and cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table
from tests.support.graphs import chain, check_in_verilator, synthesised

BITS = IntegerType.bipolar()


def images() -> Graph:
    """A padded convolution and a pointwise one, two pixels per cycle."""
    rng = np.random.default_rng(0)
    window = Window("window0", Geometry((3, 6), (3, 3), pads=(1, 1, 1, 1)), 3, BITS)
    first = MatrixVector(
        "matrix_vector0",
        rng.choice([-1, 1], (4, 27)),
        BITS,
        (3, 6),
        random_table(rng, 4, -7, 7, 1),
        kernel=(3, 3),
        padded=True,
    )
    second = MatrixVector("matrix_vector1", rng.choice([-1, 1], (5, 4)), BITS, (3, 6), random_table(rng, 5, -3, 3, 2))
    folding = {"matrix_vector0": LayerFolding(8, 27, "logic"), "matrix_vector1": LayerFolding(10, 4, "logic")}
    return apply_folding(chain([window, first, second]), folding)


def dense() -> Graph:
    """Weights of one and two bits, inputs of one bit and more, one family after the other; the last unit sends sums."""
    rng = np.random.default_rng(1)
    numbers = IntegerType.interval(-2, 5)
    table = random_table(rng, 9, -6, 6, 2)
    layers = [
        (rng.integers(-1, 2, (12, 10)), numbers, random_table(rng, 12, -15, 15, 1), Target()),
        (rng.choice([-1, 1], (9, 12)), BITS, table, Target(family="ecp5")),
        (rng.choice([-1, 1], (20, 9)), table.output, random_table(rng, 20, -6, 6, 1), Target(250, "xcup")),
        (rng.choice([-1, 1], (7, 20)), BITS, None, Target(300)),
    ]
    return chain(
        [
            MatrixVector(f"matrix_vector{number}", weights, type, (), table, *weights.shape, "logic", target=target)
            for number, (weights, type, table, target) in enumerate(layers)
        ]
    )


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("graph", [images(), dense()], ids=["images", "dense"])
def test_what_synthesis_reads_runs_to_the_cycle(graph: Graph, tmp_path: Path) -> None:
    check_in_verilator(graph, tmp_path, frames=20, change_rtl=synthesised)


def test_one_word_goes_into_logic_by_itself_unless_it_is_huge() -> None:
    rng = np.random.default_rng(0)
    unit = MatrixVector("unit", rng.choice([-1, 1], (6, 8)), IntegerType.interval(0, 3), pe=6, simd=8)
    assert unit.suited_memory == "logic"
    assert unit.refolded(simd=4).suited_memory == "distributed"
    huge = MatrixVector("unit", rng.choice([-1, 1], (512, 512)), IntegerType.interval(0, 3), pe=512, simd=512)
    assert huge.suited_memory == "distributed"
    assert "logic" in huge.memory_kinds


def test_more_words_of_numbers_are_refused() -> None:
    graph = chain([MatrixVector("unit", np.ones((6, 8), np.int64), IntegerType.interval(0, 3))])
    with pytest.raises(UserError, match="memory: 'logic' is not legal"):
        apply_folding(graph, {"unit": LayerFolding(3, 8, "logic")})


def test_the_same_unit_is_the_same_text(tmp_path: Path) -> None:
    texts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        render_rtl(images(), tmp_path / name)
        texts.append((tmp_path / name / "rtl" / "matrix_vector0_logic.sv").read_bytes())
    assert texts[0] == texts[1]
