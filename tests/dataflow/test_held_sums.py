"""Registers between the stages of sums are counted as their netlists have them, without making these."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.held_sums import held_bits
from bnnfpga.dataflow.logic_form import LogicForm
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unfolded_form import UnfoldedForm
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table


def unit(inputs: int, outputs: int, pe: int, simd: int, mhz: float) -> MatrixVector:
    rng = np.random.default_rng(inputs)
    table = random_table(rng, outputs, -(inputs // 3), inputs // 3, 1)
    options = {"pe": pe, "simd": simd, "memory": "logic", "table": table, "target": Target(mhz)}
    return MatrixVector("m", rng.choice([-1, 1], (outputs, inputs)), IntegerType.bipolar(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inputs", "outputs", "pe", "simd", "mhz"),
    [(98, 32, 8, 49, 100), (64, 4, 1, 64, 300), (256, 8, 4, 128, 200), (392, 16, 4, 196, 250), (196, 8, 4, 196, 100)],
)
def test_sums_in_passes(inputs: int, outputs: int, pe: int, simd: int, mhz: float) -> None:
    form = unit(inputs, outputs, pe, simd, mhz)._rendered_form
    assert isinstance(form, LogicForm)
    made = sum(sum(circuit.registers.values()) for circuit in form.circuits.values())
    assert form.cost_terms().ff["logic_form.between"] == pytest.approx(made, rel=0.35, abs=6)


@pytest.mark.parametrize(("inputs", "outputs", "mhz"), [(256, 32, 100), (256, 32, 250), (784, 8, 100)])
def test_sums_at_once(inputs: int, outputs: int, mhz: float) -> None:
    form = unit(inputs, outputs, outputs, inputs, mhz)._rendered_form
    assert isinstance(form, UnfoldedForm)
    made = sum(form.circuit.registers.values())
    assert form.cost_terms().ff["unfolded.estimated"] == pytest.approx(made, rel=0.35)


def test_bits_fall_from_stage_to_stage() -> None:
    assert held_bits(100, 7, 1) == 0
    assert held_bits(4, 7, 3) == 8
    first, second = held_bits(100, 7, 2), held_bits(100, 7, 3)
    assert 7 < first < 100
    assert first < second < 2 * 100
