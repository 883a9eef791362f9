"""Weights that come from block RAM through a second register, and in two banks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.dataflow.memory_banks import first_bank
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.resources import block_rams
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table
from tests.rtl.test_xnor_sums import as_synthesised
from tests.support.graphs import chain, check_in_verilator

FAST = Target(150, "ecp5")
# Outputs, inputs, pe, simd, bits of a result (0: sums). Parities are made behind the buffer where a step has several
# beats of an odd number; with all outputs at once, there is no buffer.
SIZES = [
    (14, 27, 2, 27, 1),
    (15, 14, 1, 7, 1),
    (21, 15, 7, 5, 2),
    (13, 21, 13, 3, 1),
    (10, 13, 1, 1, 1),
    (6, 10, 2, 2, 0),
]
FORMS = pytest.mark.parametrize("change_rtl", [as_synthesised, lambda rtl: None], ids=["synthesis", "simulation"])


def layer(name: str, size: tuple[int, ...], input_type: IntegerType, **options: object) -> MatrixVector:
    mh, mw, pe, simd, bits = size
    rng = np.random.default_rng(mh * mw)
    spread = int(np.sqrt(mw))
    table = random_table(rng, mh, -spread, spread, bits) if bits else None
    given = {"target": FAST, **options}
    return MatrixVector(name, rng.choice([-1, 1], (mh, mw)), input_type, table=table, pe=pe, simd=simd, **given)  # type: ignore[arg-type]


def test_two_banks_take_less_than_one_and_nothing_is_chosen_in_them() -> None:
    words = (1, 2, 288, 512, 640, 2048, 2304, 4096, 18432)
    assert [first_bank(count, 128) for count in words] == [0, 0, 0, 0, 0, 0, 2048, 0, 16384]
    assert (block_rams(2304, 128), block_rams(2048, 128) + block_rams(256, 128)) == (32, 19)


@FORMS
def test_steps_wait_for_their_weights(change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    units: list[Operator] = []
    input_type = IntegerType.bipolar()
    for number, size in enumerate(SIZES):
        units.append(layer(f"matrix_vector{number}", size, input_type))
        input_type = units[-1].outputs[0].type
    assert {unit.weight_stages for unit in units if isinstance(unit, MatrixVector)} == {2}
    check_in_verilator(chain(units), tmp_path, frames=10, change_rtl=change_rtl)


@FORMS
def test_flags_wait_for_their_weights(change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    geometry, bits = Geometry((3, 4), (3, 3), pads=(1, 1, 1, 1)), IntegerType.bipolar()
    window = Window("window", geometry, 3, bits, lanes=9)
    given = {"positions": geometry.windows, "kernel": (3, 3), "padded": True}
    unit = layer("matrix_vector", (4, 27, 2, 9, 1), bits, **given)
    assert unit.weight_stages == 2
    check_in_verilator(chain([window, unit]), tmp_path, frames=10, change_rtl=change_rtl)


@FORMS
@pytest.mark.parametrize("input_type", [IntegerType.bipolar(), IntegerType.interval(0, 1)], ids=["xnor", "sums"])
def test_weights_lie_in_two_banks(input_type: IntegerType, change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    unit = layer("matrix_vector", (176, 225, 4, 9, 1), input_type)
    assert [(memory.words, memory.width) for memory in unit.memories()[:2]] == [(1024, 36), (76, 36)]
    check_in_verilator(chain([unit]), tmp_path, frames=3, change_rtl=change_rtl)
