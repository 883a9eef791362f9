"""Units whose weights are in the tables of their logic: what synthesis reads runs in Verilator, to the cycle."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.tuning.choose import choose_folding
from tests.dataflow.chains import random_table
from tests.support.graphs import chain, check_in_verilator, synthesised

BITS = IntegerType.bipolar()
SEVEN_LEVELS = random_table(np.random.default_rng(8), 16, -20, 20, 3)


def unit(number: int, shape: tuple[int, int], pe: int, simd: int, **options: object) -> MatrixVector:
    """A unit with random weights and, unless told otherwise, one threshold an output."""
    rng = np.random.default_rng(number)
    outputs, inputs = shape
    options.setdefault("table", random_table(rng, outputs, -(inputs // 3), inputs // 3, 1))
    weights = rng.choice([-1, 1], shape)
    return MatrixVector(f"matrix_vector{number}", weights, BITS, pe=pe, simd=simd, **{"memory": "logic", **options})  # type: ignore[arg-type]


def dense() -> Graph:
    """All ways through a pass, one after the other, in tables of all families; the last unit sends sums."""
    fastest, faster, smaller = Target(300), Target(250, "xcup"), Target(150, "ecp5")
    return chain(
        [
            unit(0, (24, 40), 3, 40, target=fastest),
            unit(1, (6, 24), 6, 3, target=faster),
            unit(2, (8, 6), 4, 2),
            unit(3, (12, 8), 3, 8, target=smaller),
            unit(4, (5, 12), 5, 12, target=fastest),
            unit(5, (6, 5), 6, 1, target=faster),
            unit(6, (10, 6), 2, 2, target=faster),
            unit(7, (6, 10), 3, 10, table=None, target=fastest),
        ]
    )


def images() -> Graph:
    """Several vectors a beat, and results of more than one bit."""
    table = random_table(np.random.default_rng(9), 6, -7, 7, 2)
    return chain(
        [
            unit(0, (8, 6), 16, 6, positions=(4,)),
            unit(1, (7, 8), 7, 4, positions=(4,)),
            unit(2, (6, 7), 3, 7, positions=(4,), table=table, target=Target(family="xcup")),
        ]
    )


def padded() -> Graph:
    """Convolutions with pixels outside the image: of an odd number of channels, and of even ones, few and more."""
    odd, few, more = (Geometry((4, 5), (3, 3), pads=(1, 1, 1, 1)) for _ in range(3))
    return chain(
        [
            Window("window0", odd, 3, BITS, lanes=9),
            unit(0, (4, 27), 2, 9, positions=odd.windows, kernel=(3, 3), padded=True),
            Window("window1", few, 4, BITS, lanes=12),
            unit(1, (12, 36), 6, 12, positions=few.windows, kernel=(3, 3), padded=True),
            Window("window2", more, 12, BITS, lanes=36),
            unit(2, (6, 108), 3, 36, positions=more.windows, kernel=(3, 3), padded=True),
        ]
    )


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("graph", [dense(), images(), padded()], ids=["dense", "images", "padded"])
def test_what_synthesis_reads_runs_to_the_cycle(graph: Graph, tmp_path: Path) -> None:
    check_in_verilator(graph, tmp_path, frames=20, change_rtl=synthesised)


def test_few_words_go_into_logic_by_themselves() -> None:
    words = {8: "logic", 16: "logic", 32: "distributed", 128: "block"}
    for pe, simd, memory in ((8, 16, 8), (4, 16, 16), (2, 16, 32), (1, 8, 128)):
        assert unit(0, (16, 64), 8, 16).refolded(pe=pe, simd=simd, memory="block").suited_memory == words[memory]
    small = unit(0, (16, 64), 8, 16, target=Target(family="ice40"), memory="block")
    assert "logic" in small.memory_kinds
    assert small.suited_memory == "distributed"
    assert small.refolded(pe=16, simd=64).suited_memory == "logic"


@pytest.mark.parametrize(
    ("change", "folding", "hint"),
    [
        ({}, LayerFolding(2, 16, "logic"), "with this folding, legal values are block, distributed$"),
        ({"input_type": IntegerType.interval(0, 3)}, LayerFolding(8, 16, "logic"), "are block, distributed$"),
        ({"table": SEVEN_LEVELS}, LayerFolding(8, 16, "logic"), "are block, distributed$"),
    ],
)
def test_what_has_no_such_form_is_refused(change: dict[str, object], folding: LayerFolding, hint: str) -> None:
    graph = chain([unit(0, (16, 64), 8, 16).refolded(memory="block", **change)])
    with pytest.raises(UserError, match="memory: 'logic' is not legal") as caught:
        apply_folding(graph, {"matrix_vector0": folding})
    assert caught.value.hint is not None
    assert re.search(hint, caught.value.hint)


def few_levels(**changes: object) -> MatrixVector:
    """A unit with three thresholds on each sum, in a choice of forms."""
    table = random_table(np.random.default_rng(3), 16, -64, 64, 2)
    layer = unit(0, (16, 64), 8, 16, table=table).refolded(memory="block")
    return layer.refolded(**changes)


def test_a_requantizer_beside_weights_in_logic_is_refused() -> None:
    """It would not be built."""
    graph = chain([few_levels()])
    kinds = few_levels().requantizer_kinds
    assert {"comparators", "search"} <= set(kinds)
    for kind in kinds:
        with pytest.raises(UserError) as caught:
            apply_folding(graph, {"matrix_vector0": LayerFolding(8, 16, "logic", kind)})
        assert str(caught.value.where).endswith("layer 'matrix_vector0'")
        assert f"requantizer: {kind} does not go with memory: logic" in str(caught.value)
        assert "leave out the requantizer, or choose another memory: block, distributed" in str(caught.value.hint)
        # Of a unit in logic there is none to choose.
        with pytest.raises(UserError, match="requantizer") as caught:
            apply_folding(chain([few_levels(memory="logic")]), {"matrix_vector0": LayerFolding(requantizer=kind)})
        assert "no requantizer to choose" in str(caught.value.hint)


def test_a_memory_that_is_chosen_goes_with_the_requantizer() -> None:
    graph = chain([few_levels()])
    assert choose_folding(graph, 16, {"matrix_vector0": LayerFolding(8, 16)})["matrix_vector0"].memory == "logic"
    for kind in few_levels().requantizer_kinds:
        pinned = {"matrix_vector0": LayerFolding(8, 16, requantizer=kind)}
        folded = apply_folding(graph, choose_folding(graph, 16, pinned))["matrix_vector0"]
        assert (folded.memory, folded.requantizer) == ("distributed", kind)


def test_the_latency_in_logic_is_that_of_what_is_built() -> None:
    """It is the same however the sums of a unit with a memory would become results."""
    curved = few_levels()
    straight = few_levels(
        table=ThresholdTable(np.tile([-8, 0, 8], (16, 1)), np.zeros(16, bool), curved.outputs[0].type)
    )
    assert "fixed_point" in straight.requantizer_kinds
    for layer in (curved, straight):
        for target in (Target(), Target(300, "ecp5")):
            built = layer.refolded(target=target, pe=16).refolded(memory="logic")
            comparing = layer.refolded(target=target, pe=16, requantizer="comparators", memory="distributed")
            assert built.latency == comparing.latency == 3 + built.popcount_stages + 1


def test_what_never_changes_costs_nothing() -> None:
    """A channel that is constant for all inputs, in both directions, still has its result."""
    table = ThresholdTable(np.array([[-20], [21], [21], [-20]]), np.array([False, False, True, True]), BITS)
    graph = chain([unit(0, (4, 20), 2, 20, table=table)])
    (result,) = graph.operators[0].execute(np.ones((1, 20), np.int64))
    assert result.ravel().tolist() == [1, -1, 1, -1]
    text = graph.operators[0].rtl().rendered.values["form"].text("n")
    assert "assign result = {1'b0, 1'b1};" in text
