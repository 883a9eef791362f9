"""The clock that a unit is estimated to reach, against routed results, and the stages that it chooses by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

BIPOLAR = IntegerType.bipolar()
BYTE = IntegerType.interval(-128, 127)


SIGNS = np.random.default_rng(0).choice([-1, 1], (64, 64))


def arg_max(lanes: int, clock_mhz: float, family: str = "ecp5") -> ArgMax:
    return ArgMax("arg_max", Port((10,), BYTE, lanes), target=Target(clock_mhz, family))


def window(lanes: int, clock_mhz: float, family: str = "ecp5") -> Window:
    return Window("window", Geometry((30, 30), (3, 3)), 64, BIPOLAR, lanes=lanes, target=Target(clock_mhz, family))


def weights(mh: int, mw: int, pe: int, simd: int, memory: MemoryKind, clock_mhz: float = 150) -> MatrixVector:
    signs = np.random.default_rng(0).choice([-1, 1], (mh, mw))
    table = ThresholdTable(np.zeros((mh, 1), np.int64), np.zeros(mh, bool), BIPOLAR)
    target = Target(clock_mhz, "ecp5")
    return MatrixVector("xnor", signs, BIPOLAR, table=table, pe=pe, simd=simd, memory=memory, target=target)


ROUTED: dict[str, tuple[Operator, float]] = {
    "arg max, a tree without registers": (arg_max(10, 40), 41.9),
    "arg max, registers behind two levels": (arg_max(10, 75), 80.0),
    "arg max, registers behind each level": (arg_max(10, 150), 154.5),
    "arg max, one lane": (arg_max(1, 150), 148.5),
    "window, block RAM with a register": (window(64, 150), 133.1),
    "window, block RAM": (window(64, 60), 106.0),
    "equal bits of 32 inputs": (
        MatrixVector("xnor", SIGNS, BIPOLAR, pe=2, simd=32, memory="distributed", target=Target(150, "ecp5")),
        170.6,
    ),
    "wide weights in LUTs": (weights(64, 784, 4, 196, "distributed"), 90.2),
    "narrow weights in LUTs": (weights(64, 64, 2, 32, "distributed"), 175.6),
    "weights in block RAM": (weights(512, 256, 1, 16, "block"), 132.5),
    "weights in banks of block RAM": (weights(256, 1152, 4, 32, "block"), 129.2),
}
"""Units and the clock in MHz that `benchmarks/clock.py` routed them at, on ECP5."""


@pytest.mark.parametrize("name", ROUTED)
def test_the_estimate_is_near_the_routed_clock(name: str) -> None:
    unit, routed = ROUTED[name]
    assert routed / 1.25 < unit.estimated_mhz < routed * 1.25


@pytest.mark.parametrize("family", FAMILIES)
def test_units_that_have_stages_reach_their_clock(family: str) -> None:
    """As far as there is a register for each comparison, or for the line buffer."""
    for clock_mhz in (25.0, 50.0, 100.0):
        for unit in (arg_max(10, clock_mhz, family), window(64, clock_mhz, family)):
            assert unit.estimated_mhz >= clock_mhz


@pytest.mark.parametrize(
    ("simd", "stages", "parity_stages"),
    [
        (1, (1, 1, 1), (0, 0, 0)),
        (16, (1, 1, 2), (0, 0, 2)),
        (32, (1, 1, 2), (0, 2, 2)),
        (64, (2, 2, 3), (0, 2, 2)),
        (512, (2, 3, 5), (0, 2, 2)),
    ],
)
def test_equal_bits_are_counted_in_as_many_stages_as_the_clock_asks_for(
    simd: int, stages: tuple[int, ...], parity_stages: tuple[int, ...]
) -> None:
    weights = np.random.default_rng(0).choice([-1, 1], (4, 2 * simd))
    units = [
        MatrixVector("xnor", weights, BIPOLAR, pe=1, simd=simd, memory="distributed", target=Target(clock_mhz))
        for clock_mhz in (100, 200, 300)
    ]
    assert tuple(unit.popcount_stages for unit in units) == stages
    # A stage finds the parity of all inputs of a step: of 64 in four levels, of 512 in five.
    fastest = {64: 250.0, 512: 206.2}.get(simd, 300.0)
    assert all(unit.estimated_mhz >= min(unit.target.clock_mhz, fastest) for unit in units)
    assert [unit.latency - 3 for unit in units] == [
        count + wait for count, wait in zip(stages, parity_stages, strict=True)
    ]


def test_a_faster_clock_never_makes_a_unit_slower() -> None:
    rng = np.random.default_rng(0)
    weights = rng.choice([-1, 1], (8, 64))
    units: list[Operator] = [
        arg_max(10, 100),
        replace(arg_max(10, 100), factors=np.arange(10) + 1, offsets=np.arange(10)),
        replace(arg_max(2, 100), ranks=rng.integers(0, 99, (10, 256))),
        window(64, 100),
        MatrixVector("matrix_vector", weights, BIPOLAR, simd=64),
        Pool("pool", (4, 4), (2, 2), 8, BYTE, "extremum", np.zeros(8, dtype=bool), pe=8, simd=4),
        Fifo("fifo", Port((8,), BYTE, 2), 5),
    ]
    for unit in units:
        for family in FAMILIES:
            targets = [Target(clock_mhz, family) for clock_mhz in (25.0, 100.0, 150.0, 300.0)]
            reached = [unit.refolded(target=target).estimated_mhz for target in targets]
            assert reached == sorted(reached)
            assert reached[0] > 0
