"""Sums of products of several bits, in the form that synthesis reads and in that of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntArray, IntegerType
from tests.dataflow.chains import random_table
from tests.rtl.test_xnor_sums import as_synthesised
from tests.support.graphs import chain, check_in_verilator

BITS = IntegerType.bipolar()
Unit = tuple[int, int, int, int, str, int]
"""Outputs, inputs, pe, simd, weights, bits of a result (0: sums)."""


def weights(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> IntArray:
    if kind == "binary":
        return rng.choice([-1, 1], shape)
    bits = int(kind)
    values = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape)
    values.flat[0] = -(1 << (bits - 1))
    return values


def layers(
    first: IntegerType, units: list[Unit], target: Target, positions: tuple[int, ...] = ()
) -> list[MatrixVector]:
    """A chain of units, each with random weights and thresholds that decide."""
    rng = np.random.default_rng(len(units))
    chained: list[MatrixVector] = []
    type = first
    for number, (mh, mw, pe, simd, kind, bits) in enumerate(units):
        unit = MatrixVector(
            f"matrix_vector{number}", weights(rng, kind, (mh, mw)), type, positions, None, pe, simd, target=target
        )
        if bits:
            middle, spread = (unit.accumulator.lo + unit.accumulator.hi) // 2, unit.accumulator.hi // 4 + 1
            table = random_table(rng, mh, middle - spread, middle + spread, bits)
            unit = unit.refolded(table=table)
        type = unit.outputs[0].type
        chained.append(unit)
    return chained


CHAINS: dict[str, tuple[Target, IntegerType, list[Unit]]] = {
    "bytes": (
        Target(),
        IntegerType.interval(0, 255),
        [(6, 9, 2, 3, "binary", 1), (8, 6, 4, 3, "binary", 2), (5, 8, 5, 1, "3", 2), (4, 5, 1, 5, "2", 1)],
    ),
    "signs, fast": (
        Target(300),
        IntegerType.interval(-5, 6),
        [(6, 10, 3, 5, "binary", 3), (4, 6, 4, 2, "4", 2), (9, 4, 3, 4, "binary", 1), (3, 9, 1, 3, "4", 0)],
    ),
    "multipliers": (
        Target(200),
        IntegerType.interval(-128, 127),
        [(6, 21, 2, 7, "8", 4), (4, 6, 4, 3, "8", 4), (7, 4, 1, 4, "7", 3), (2, 7, 1, 7, "24", 0)],
    ),
    "wide, any family": (
        Target(200, "ecp5"),
        IntegerType.interval(-1, 1),
        [(20, 34, 2, 34, "binary", 2), (6, 20, 6, 20, "5", 3), (5, 6, 1, 6, "2", 1), (12, 5, 2, 1, "16", 4)],
    ),
}
"""A target, the first inputs, and the units behind them."""


@pytest.mark.parametrize("change_rtl", [as_synthesised, lambda rtl: None], ids=["synthesis", "simulation"])
@pytest.mark.parametrize("name", CHAINS)
def test_sums(name: str, change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    target, first, units = CHAINS[name]
    check_in_verilator(chain(layers(first, units, target)), tmp_path, frames=10, change_rtl=change_rtl)


@pytest.mark.parametrize(("type", "kind"), [(BITS, "3"), (IntegerType.interval(-6, -1), "binary")])
def test_pads_and_several_vectors(type: IntegerType, kind: str, tmp_path: Path) -> None:
    """Flagged inputs are 0, whatever their bits; two windows a beat read the same weights."""
    rng = np.random.default_rng(1)
    geometry = Geometry((3, 4), (3, 3), pads=(1, 1, 1, 1))
    window = Window("window", geometry, 3, type, lanes=54)
    kept = {"kernel": (3, 3), "padded": True, "target": Target(250)}
    unit = MatrixVector("unit", weights(rng, kind, (4, 27)), type, geometry.windows, None, 8, 27, **kept)
    table = random_table(rng, 4, -9, 9, 1)
    units = [window.in_front_of(unit.interval(), *unit.inputs), unit.refolded(table=table)]
    check_in_verilator(chain(units), tmp_path, change_rtl=as_synthesised)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5"])
@pytest.mark.parametrize("seed", range(6))
def test_random_units(seed: int, family: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    first = [IntegerType.interval(0, 255), IntegerType.interval(-7, 9), BITS][seed % 3]
    units: list[Unit] = []
    mw = int(rng.integers(1, 40))
    for _ in range(4):
        mh = int(rng.integers(1, 20))
        pe, simd = (int(rng.choice([n for n in range(1, size + 1) if size % n == 0])) for size in (mh, mw))
        kind = str(rng.choice(["binary", "2", "3", "8"]))
        units.append((mh, mw, pe, simd, kind, int(rng.integers(0 if len(units) == 3 else 1, 5))))
        mw = mh
    target = Target(float(rng.choice([100, 200, 400])), family)
    check_in_verilator(chain(layers(first, units, target)), tmp_path, change_rtl=as_synthesised)
