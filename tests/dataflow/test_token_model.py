"""The token cycle model against closed forms; that hardware shows the same cycles is tested in tests/system."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import predict, steady_interval
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_chain, random_folding
from tests.support.graphs import chain, check_in_verilator


def _converter(elements: int, before: int, after: int) -> Graph:
    graph = Graph()
    type = IntegerType.interval(0, 3)
    graph.add(WidthConverter("converter", (elements,), type, before, after))
    graph.add(ScoreOutput("score_output", Port((elements,), type, after)))
    graph.connect("converter", "score_output")
    graph.set_boundary("converter", ["score_output"])
    return graph


@given(gcd=st.integers(1, 3), a=st.integers(1, 12), b=st.integers(1, 12))
def test_a_converter_is_as_fast_as_its_slower_side(gcd: int, a: int, b: int) -> None:
    elements = gcd * a * b
    assert predict(_converter(elements, gcd * a, gcd * b)).initiation_interval == max(a, b)


@pytest.mark.parametrize(
    ("clock_mhz", "before", "after", "units"),
    [(100, 1008, 1, 1), (400, 1008, 1, 4), (100, 16, 18, 1), (200, 16, 18, 2), (200, 1, 1008, 1), (200, 63, 16, 1)],
)
def test_converters_in_a_row_reach_a_clock(clock_mhz: float, before: int, after: int, units: int) -> None:
    """They are as fast as one; where the common multiple is too large, one it stays."""
    converter = WidthConverter("c", (1008,), IntegerType.bipolar(), before, after, target=Target(clock_mhz))
    row = converter.for_clock()
    assert len({unit.name for unit in row}) == len(row) == units
    assert row[-1].name == "c"
    if units > 1:
        assert max(unit.logic_levels for unit in row) <= max(3, converter.target.levels) < converter.logic_levels
    assert predict(chain(row)).initiation_interval == converter.interval()


def test_converters_in_a_row_in_hardware(tmp_path: Path) -> None:
    """Up, down by several steps, and a ratio that is not whole in between."""
    lanes, target = ((240, 1), (1, 16), (16, 20), (20, 3)), Target(400)
    several = [
        WidthConverter(f"c{index}", (240,), IntegerType(-4, 3, "signed"), *pair, target=target)
        for index, pair in enumerate(lanes)
    ]
    row = [unit for converter in several for unit in converter.for_clock()]
    assert len(row) > len(several)
    assert check_in_verilator(chain(row), tmp_path).initiation_interval == 240


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    widths=st.lists(st.sampled_from([4, 6, 8, 12, 16]), min_size=3, max_size=5).map(tuple),
)
def test_a_chain_is_as_fast_as_its_slowest_unit(seed: int, widths: tuple[int, ...]) -> None:
    graph = random_folding(random_chain(seed, widths), seed)
    cycles = predict(graph)
    assert cycles.initiation_interval == max(operator.interval() for operator in graph.operators)
    assert cycles.latency >= cycles.initiation_interval - 1


def test_fully_unfolded_takes_a_frame_a_cycle() -> None:
    graph = random_chain(0, (16, 8, 4))
    unfolded = {}
    for operator in graph.operators:
        if operator.legal_pe():
            pe = operator.legal_pe()[-1]
            unfolded[operator.name] = LayerFolding(pe, (operator.legal_simd(pe) or (None,))[-1])
    folded = apply_folding(graph, unfolded)
    cycles = predict(folded)
    assert cycles.initiation_interval == 1
    # A threshold unit, two matrix-vector units, the output register: nothing waits.
    assert len(folded.operators) == 4
    assert cycles.latency == sum(operator.schedule().latency for operator in folded.operators)


def test_with_room_for_one_vector_a_unit_makes_its_producer_wait() -> None:
    """Why a unit with several passes has room for two, unless a line buffer is in front of it."""
    graph = random_chain(0, (16, 16, 16, 16))
    folding = {f"matrix_vector{index}": LayerFolding(1, 4) for index in range(3)} | {"threshold0": LayerFolding(1)}
    folded = apply_folding(graph, folding)
    assert predict(folded).initiation_interval == 64
    narrow = Graph()
    for operator in folded.operators:
        # The kernel of a unit that stands behind a window.
        one_bank = isinstance(operator, MatrixVector) and operator.passes > 1
        narrow.add(dataclasses.replace(operator, kernel=(4, 4)) if one_bank else operator)
    for before, after in pairwise(folded.operators):
        narrow.connect(before.name, after.name)
    narrow.set_boundary(folded.operators[0].name, [folded.operators[-1].name])
    assert predict(narrow).initiation_interval > 64


@pytest.mark.parametrize(
    ("done", "latency", "expected"),
    [
        ([10, 20, 30, 40], 10, (10, True)),
        ([10, 25, 35, 45, 55], 10, (10, True)),
        ([10, 20, 32, 42, 54], 10, (12, False)),
    ],
)
def test_steady_interval(done: list[int], latency: int, expected: tuple[int, bool]) -> None:
    assert steady_interval(done, latency) == expected
