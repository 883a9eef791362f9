"""Weights that come from block RAM through a second register, and in banks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.dataflow.block_ram import BlockMemory, block_memory
from bnnfpga.dataflow.memory_banks import bank_words
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table
from tests.rtl.test_xnor_sums import as_synthesised
from tests.support.graphs import chain, check_in_verilator

IMAGE = Geometry((3, 4), (3, 3), pads=(1, 1, 1, 1))
# Outputs, inputs, pe, simd, bits of a result (0: sums). Flags; banks; ternary weights in banks; parities that are made
# behind the buffer, where a step has several beats of an odd number; all outputs at once, without a buffer; sums.
CONVOLUTION = (4, 27, 2, 9, 1)
WIDE = [(825, 48, 3, 12, 1), (45, 825, 3, 11, 1)]
NARROW = [(60, 45, 30, 15, 1), (12, 60, 12, 30, 1), (6, 12, 2, 2, 0)]


def test_banks_have_one_block_ram_for_each_bit() -> None:
    banks = {
        (1, 2): 0,
        (512, 288): 0,
        (14, 1120): 0,
        (16, 8192): 0,
        (36, 1100): 1024,
        (128, 2304): 2048,
        (32, 18432): 4096,
    }
    assert {(width, words): bank_words(words, width, "ecp5") for width, words in banks} == banks
    assert block_memory(2304, 128, "ecp5") == BlockMemory(18, 5)
    assert bank_words(1 << 20, 100, "ecp5") == 2048


@pytest.mark.parametrize("change_rtl", [as_synthesised, lambda rtl: None], ids=["synthesis", "simulation"])
def test_steps_wait_for_their_weights(change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    rng, input_type, units = np.random.default_rng(0), IntegerType.bipolar(), []
    for number, (mh, mw, pe, simd, bits) in enumerate([CONVOLUTION, *WIDE, *NARROW]):
        table = random_table(rng, mh, -3, 3, bits) if bits else None
        image = {"positions": IMAGE.windows, "kernel": (3, 3), "padded": True} if number == 0 else {}
        unit = MatrixVector(
            f"matrix_vector{number}",
            rng.choice([-1, 0, 1] if number == 2 else [-1, 1], (mh, mw)),
            input_type,
            table=table,
            pe=pe,
            simd=simd,
            source_lanes=units[-1].pe if units else None,
            target=Target(150, "ecp5"),
            **image,  # type: ignore[arg-type]
        )
        units.append(unit)
        input_type = unit.outputs[0].type
    assert [unit.weight_stages for unit in units] == [2, 2, 2, 3, 3, 2]
    assert [unit.input_lanes for unit in units[3:]] == [3, 30, 2]
    assert [[memory.words for memory in unit.memories()][:2] for unit in units[1:3]] == [[1024, 76], [1024, 101]]
    window = Window("window", IMAGE, 3, IntegerType.bipolar(), lanes=9)
    check_in_verilator(chain([window, *units]), tmp_path, frames=5, change_rtl=change_rtl)


@pytest.mark.parametrize(
    ("values", "change_rtl"),
    [([-1, 1], as_synthesised), ([-1, 1], lambda rtl: None), ([-1, 0, 1], lambda rtl: None)],
    ids=["bits, synthesis", "bits, simulation", "ternary"],
)
def test_the_choice_among_many_banks_is_a_stage(
    values: list[int], change_rtl: Callable[[Path], None], tmp_path: Path
) -> None:
    weights = np.random.default_rng(0).choice(values, (1575, 96))
    unit = MatrixVector("unit", weights, IntegerType.bipolar(), pe=3, simd=12, target=Target(150, "ecp5"))
    assert unit.weight_stages == 4
    assert [memory.words for memory in unit.memories()][:3] == [2048, 2048, 104]
    check_in_verilator(chain([unit]), tmp_path, frames=2, change_rtl=change_rtl)
