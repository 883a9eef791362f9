"""Estimates of multipliers and memories; `tests/rtl/test_yosys.py` compares the DSP slices with those of Yosys."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.resources import RESOURCES, add_resources, memory_terms
from bnnfpga.numbers.integers import IntegerType


@pytest.mark.parametrize(
    ("words", "width", "blocks"), [(512, 36, 1), (513, 36, 2), (16384, 1, 1), (2048, 9, 1), (2048, 13, 2), (600, 72, 4)]
)
def test_block_rams_are_counted_in_their_best_shape(words: int, width: int, blocks: int) -> None:
    assert memory_terms(words, width, "block") == CostTerms(bram18=blocks)


def test_memories_of_one_word_are_wires() -> None:
    assert memory_terms(1, 100, "block") == CostTerms()
    assert memory_terms(65, 3, "distributed") == CostTerms({"rom.tables": 6})


def test_wide_products_take_dsp_slices() -> None:
    assert product_terms(4, 4, 7, "xc7") == CostTerms({"product.bits": 16})
    assert product_terms(8, 5, 12, "xc7") == CostTerms(dsp=1)
    assert product_terms(26, 19, 44, "xc7") == CostTerms(dsp=4)


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
