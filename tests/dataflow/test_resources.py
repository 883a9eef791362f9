"""Estimates of multipliers and memories; `tests/rtl/test_yosys.py` compares the DSP slices with those of Yosys."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.resources import RESOURCES, add_resources, memory_terms
from bnnfpga.numbers.integers import IntegerType


@pytest.mark.parametrize(
    ("family", "words", "width", "blocks"),
    [
        ("xc7", 512, 36, 1),
        ("xc7", 513, 36, 2),
        ("xc7", 16384, 1, 1),
        ("xc7", 2048, 9, 1),
        ("xc7", 2048, 13, 2),
        # Two RAMB36 of 9 bits each, which need no choice between banks; and nine banks of two bits side by side.
        ("xc7", 4000, 18, 4),
        ("xc7", 9000, 2, 1),
        ("ecp5", 600, 72, 4),
        ("ice40", 256, 16, 1),
        ("ice40", 257, 16, 2),
        ("ice40", 512, 12, 2),
        ("gowin", 512, 36, 1),
    ],
)
def test_block_rams_are_counted_as_yosys_takes_them(family: str, words: int, width: int, blocks: int) -> None:
    assert memory_terms(words, width, "block", family) == CostTerms(bram18=blocks)


def test_written_memories_have_whole_bytes_in_each_bank() -> None:
    assert [block_memory(9000, 2, "xc7", written=written).blocks for written in (False, True)] == [1, 2]
    # The port for writing of an ECP5's wide block is never narrower than 9 bits.
    assert block_memory(512, 36, "ecp5", written=True).blocks == 1


def test_memories_of_one_word_are_wires() -> None:
    assert memory_terms(1, 100, "block", "xc7") == CostTerms()
    assert memory_terms(65, 3, "distributed", "xc7") == CostTerms({"rom.tables": 6})


def test_wide_products_take_dsp_slices() -> None:
    assert product_terms(4, 4, 8, "xc7") == CostTerms({"product.bits": 16})
    assert product_terms(8, 5, 13, "xc7").dsp == 1
    assert product_terms(26, 19, 45, "xc7").dsp == 4
    assert product_terms(26, 18, 44, "xcup").dsp == 1
    # In multipliers of 9 x 9 bits; six bits that are left of 42 have one of them.
    assert [product_terms(*bits, 51, "gowin").dsp for bits in ((9, 9), (18, 10), (42, 10))] == [1, 2, 5]
    assert product_terms(16, 16, 32, "ice40") == CostTerms({"product.bits": 256})


@pytest.mark.parametrize(
    ("weights", "inputs", "dsp"),
    [
        (IntegerType.bipolar(), IntegerType.bipolar(), 0),
        (IntegerType.bipolar(), IntegerType(-128, 127, "signed"), 0),
        (IntegerType(-4, 3, "signed"), IntegerType(0, 3, "unsigned"), 0),
        (IntegerType(-4, 3, "signed"), IntegerType(0, 7, "unsigned"), 0),
        (IntegerType(-128, 127, "signed"), IntegerType(0, 15, "unsigned"), 12),
    ],
)
def test_dot_products_take_one_for_each_wide_product(weights: IntegerType, inputs: IntegerType, dsp: int) -> None:
    values = np.random.default_rng(0).integers(weights.lo, weights.hi + 1, (6, 8))
    values[0, :2] = weights.lo, weights.hi
    if weights.is_bipolar:
        values = np.where(values < 0, -1, 1)
    unit = MatrixVector("unit", values, inputs, pe=3, simd=4)
    assert unit.weight_type == weights
    assert unit.resources()["dsp"] == dsp


def test_sums_have_every_kind() -> None:
    assert add_resources({"lut": 1}, {}, {"lut": 2, "dsp": 3}) == {"lut": 3, "ff": 0, "bram18": 0, "dsp": 3}
    assert tuple(add_resources()) == RESOURCES
