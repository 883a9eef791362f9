"""Pooling: integers, cycles and hardware."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnfpga.dataflow.operators.pool import Pool, PoolFunction
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.token_model import predict
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.support.graphs import chain, check_in_verilator, random_integers

TYPES = {
    "bipolar": IntegerType.bipolar(),
    "2 bits": IntegerType.interval(0, 3),
    "signed": IntegerType.interval(-5, 2),
    "above 0": IntegerType.interval(3, 9),
}
HALF = np.array([False, True, False, True])


def pooled(type: IntegerType, function: PoolFunction, pads: int, pe: int, simd: int = 1) -> list[Window | Pool]:
    geometry = Geometry((5, 7), (3, 2), (2, 2), pads=(pads, pads, 0, pads))
    window = Window("window", geometry, 4, type, 0 if function == "sum" else type.hi + 1, pe * simd)
    pool = Pool("pool", geometry.windows, geometry.kernel, 4, type, function, HALF, window.flagged, pe, simd)
    return [window, pool]


@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize("function", ["extremum", "sum"])
@pytest.mark.parametrize("type", TYPES)
def test_hardware(type: str, function: PoolFunction, pads: int, tmp_path: Path) -> None:
    check_in_verilator(chain(pooled(TYPES[type], function, pads, 4 if pads else 2)), tmp_path)


@pytest.mark.parametrize(
    ("type", "function", "pads", "pe", "simd"),
    [
        ("signed", "extremum", 1, 2, 2),
        ("2 bits", "sum", 1, 1, 6),
        ("bipolar", "extremum", 1, 16, 6),
        ("above 0", "extremum", 0, 12, 6),
        ("bipolar", "sum", 1, 8, 6),
    ],
)
def test_several_pixels_a_beat(
    type: str, function: PoolFunction, pads: int, pe: int, simd: int, tmp_path: Path
) -> None:
    """Of a window, with some channels or all, and of several windows; the window unit takes as many as that needs."""
    window, pool = pooled(TYPES[type], function, pads, pe, simd)
    assert isinstance(window, Window)
    assert simd in pool.legal_simd(pe)
    graph = chain([window.in_front_of(pool.interval(), *pool.inputs), pool])
    assert check_in_verilator(graph, tmp_path).initiation_interval == graph["window"].interval()


def test_extremum_of_pixels_inside() -> None:
    """Against a slow definition: pads never win."""
    window, pool = pooled(TYPES["2 bits"], "extremum", 1, 4)
    x = random_integers(window.inputs[0], 3, 1)
    rows, columns = window.geometry.windows
    got = chain([window, pool]).execute(x)["output"]
    for row, column in np.ndindex(rows, columns):
        pixels = x[:, max(0, 2 * row - 1) : 2 * row + 2, max(0, 2 * column - 1) : 2 * column + 1]
        expected = np.where(HALF, pixels.min(axis=(1, 2)), pixels.max(axis=(1, 2)))
        np.testing.assert_array_equal(got[:, row, column], expected)


def test_a_whole_image_needs_no_window(tmp_path: Path) -> None:
    pool = Pool("pool", (), (4, 5), 4, TYPES["signed"], "sum", HALF, pe=2, in_order=True)
    cycles = check_in_verilator(chain([pool]), tmp_path)
    assert cycles.initiation_interval == pool.interval() == 40


def test_cycles_of_a_pool_are_those_of_its_input() -> None:
    window, pool = pooled(TYPES["bipolar"], "extremum", 0, 1)
    assert predict(chain([window, pool])).initiation_interval == max(pool.interval(), window.interval())


HARDWARE_TESTS = {"pool": test_hardware}
