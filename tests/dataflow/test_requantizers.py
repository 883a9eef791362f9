"""Every form of quantizers of many levels, in the units that have them: the same integers, in exact cycles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.target import Target
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.simulate.runners.emulator import run_emulator
from bnnfpga.simulate.runners.emulator_library import paths_here
from tests.support.graphs import chain, check_in_verilator, random_integers
from tests.support.hls_cases import Case, check
from tests.support.step_tables import rounded_table, step_table

pytestmark = pytest.mark.usefixtures("built_soon")
BIPOLAR = IntegerType.bipolar()
BYTE = IntegerType.interval(0, 255)
INT8 = IntegerType.interval(-128, 127)
NARROW = IntegerType.interval(-7, 7)
IMAGE = (4, 6)
SAME = Geometry(IMAGE, (3, 3), pads=(1, 1, 1, 1))


def scales(channels: int, levels: int, domain: IntegerType) -> np.ndarray:
    """Of both signs; one channel is constant."""
    rng = np.random.default_rng(channels)
    size = levels / (domain.hi - domain.lo) * rng.normal(1.5, 0.3, channels) * rng.choice([-1, 1], channels)
    return np.where(np.arange(channels) == 2, 0, size)


def quantizer(domain: IntegerType, channels: int, output: IntegerType) -> ThresholdTable:
    """A scale and a bias by channel, rounded."""
    factors = scales(channels, output.hi - output.lo, domain)
    middle = (output.hi + output.lo + 1) / 2 - factors * (domain.hi + domain.lo) / 2
    return rounded_table(factors, middle + np.random.default_rng(0).normal(0, 0.3, channels), domain, output)


def shifted(domain: IntegerType, channels: int, output: IntegerType) -> ThresholdTable:
    """Powers of two, whose ties are rounded to even."""
    return rounded_table([1 / 8] * channels, np.arange(channels) - 2, domain, output)


def units(pe: int, form: RequantizerKind | None) -> Graph:
    """Bytes to int8 in a threshold unit, signs and a padded XNOR convolution, sums of 4-bit numbers, int8 again."""
    rng = np.random.default_rng(1)
    pixels = max(1, pe // 4)
    first = Threshold("bytes", (*IMAGE, 4), BYTE, quantizer(BYTE, 4, INT8), pe=pe, requantizer=form)
    signs = Threshold("signs", (*IMAGE, 4), INT8, rounded_table([1], [0], INT8, BIPOLAR), pe=pe)
    signs = replace(signs, table=ThresholdTable(np.array([[0]]), np.array([False]), BIPOLAR))
    window = Window("window", SAME, 4, BIPOLAR, lanes=36 * pixels)
    binary = MatrixVector(
        "binary",
        rng.choice([-1, 1], (4, 36)),
        BIPOLAR,
        IMAGE,
        pe=pe,
        simd=36,
        kernel=(3, 3),
        padded=True,
        requantizer=form,
    )
    binary = replace(binary, table=quantizer(binary.accumulator, 4, NARROW))
    point = MatrixVector("sums", rng.integers(-3, 4, (4, 4)), NARROW, IMAGE, pe=pe, simd=4, requantizer=form)
    point = replace(point, table=shifted(point.accumulator, 4, INT8))
    depthwise = VectorVector("depthwise", rng.integers(-9, 9, (1, 4)), INT8, IMAGE, pe=pe, requantizer=form)
    depthwise = replace(depthwise, table=quantizer(depthwise.accumulator, 4, NARROW))
    last = Threshold("last", (*IMAGE, 4), NARROW, rounded_table([0.5], [0], NARROW, NARROW), pe=pe)
    return chain([first, signs, window, binary, point, depthwise, last])


FORMS = [
    pytest.param("fixed_point", 1, marks=pytest.mark.slow),
    ("fixed_point", 2),
    ("fixed_point", 8),
    ("search", 2),
    pytest.param("search", 8, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("form", "pe"), FORMS)
def test_forms_in_hardware(form: RequantizerKind, pe: int, tmp_path: Path) -> None:
    graph = units(pe, form)
    for name, ties in (("bytes", 0), ("binary", 0), ("sums", 1), ("depthwise", 0)):
        parameters = graph[name].rtl().parameters
        assert parameters["Requantizer"] == form
        if form == "fixed_point":
            assert bool(parameters["Ties"]) == bool(ties)
    check_in_verilator(graph, tmp_path)
    x = random_integers(graph.input.port, 4, 0)
    expected = units(pe, "comparators").execute(x)["output"]
    np.testing.assert_array_equal(graph.execute(x)["output"], expected)


def test_fixed_point_steps_in_hls(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    cases = [
        Case(unit, seed)
        for pe in (2, 8)
        for seed, unit in enumerate(units(pe, "fixed_point").operators)
        if unit.requantizer_kinds
    ]
    check(cases, tmp_path, compiler, ap_headers)


def test_the_emulator_keeps_the_table() -> None:
    graph = units(2, "fixed_point")
    x = random_integers(graph.input.port, 5, 0)
    expected = graph.execute(x)["output"]
    for path in paths_here(find_compiler()):
        np.testing.assert_array_equal(run_emulator(graph, x, path=path)["output"], expected, err_msg=path)


def threshold(table: ThresholdTable, domain: IntegerType = BYTE) -> Threshold:
    return Threshold("threshold", (4,), domain, table)


CURVED = step_table(np.rint(np.sqrt(np.arange(256)[:, None] * [900, 500, 300, 200])).astype(int), 0, BYTE)
BLOCKS = replace(threshold(CURVED), memory="block", requantizer="search")


def test_the_form_is_the_cheapest_that_exists() -> None:
    many, few = quantizer(BYTE, 4, INT8), quantizer(BYTE, 4, IntegerType.interval(0, 2))
    assert threshold(many).stored_thresholds.requantizer.kind == "fixed_point"
    assert threshold(few).stored_thresholds.requantizer.kind == "comparators"
    assert threshold(few).requantizer_kinds == ("comparators", "search", "fixed_point")
    assert threshold(CURVED).stored_thresholds.requantizer.kind == "search"
    assert threshold(CURVED).requantizer_kinds == ("comparators", "search")
    assert threshold(ThresholdTable(few.values[:, :1], few.decreasing, BIPOLAR)).requantizer_kinds == ()


def test_a_clock_goal_excludes_slow_forms() -> None:
    """Comparators and the sum of what they say are one stage."""
    few = threshold(quantizer(BYTE, 4, IntegerType.interval(0, 2)))
    assert few.stored_thresholds.requantizer.kind == "comparators"
    fast = replace(few, target=Target(250))
    assert fast.stored_thresholds.requantizer.kind != "comparators"
    assert fast.latency > few.latency
    assert replace(fast, requantizer="comparators").latency == few.latency


def test_a_search_in_block_memory(tmp_path: Path) -> None:
    """Levels that are not one less than a power of two, and a function that is not affine."""
    few = replace(BLOCKS, table=ThresholdTable(CURVED.values[:, ::3], CURVED.decreasing, IntegerType.interval(-3, 82)))
    turned = replace(few, table=replace(few.table, decreasing=np.array([True, False, True, True])))
    kinds = {memory.kind for memory in BLOCKS.memories()}
    assert kinds == {"block", "distributed"}
    for index, unit in enumerate((replace(BLOCKS, pe=1), replace(turned, pe=2))):
        check_in_verilator(chain([unit]), tmp_path / str(index))


def test_a_folding_file_sets_the_form() -> None:
    graph = units(2, None)
    entry = {"requantizer": "comparators"}
    folded = apply_folding(graph, parse_folding({"sums": entry}, "f.yaml"), "f.yaml")
    assert folded["sums"].rtl().parameters["Requantizer"] == "comparators"
    assert folding_of(folded)["sums"]["requantizer"] == "comparators"
    assert "requantizer" not in folding_of(folded)["bytes"]
    again = apply_folding(graph, parse_folding(folding_of(folded), "f.yaml"), "f.yaml")
    assert folding_of(again) == folding_of(folded)


@pytest.mark.parametrize(
    ("layer", "form", "hint"),
    [
        ("sums", "lookup", "legal values are comparators, search, fixed_point"),
        ("sums", 3, "legal values are comparators, search, fixed_point"),
        ("signs", "fixed_point", "this layer has no requantizer to choose"),
    ],
)
def test_other_forms_are_refused(layer: str, form: object, hint: str) -> None:
    with pytest.raises(UserError, match=r"requantizer: .* is not legal") as caught:
        apply_folding(units(2, None), parse_folding({layer: {"requantizer": form}}, "f.yaml"), "f.yaml")
    assert caught.value.hint == hint
