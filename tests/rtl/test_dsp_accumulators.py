"""Accumulators in DSP slices give the same sums in the same cycles, and are chosen by a folding."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntegerType
from tests.rtl.test_xnor_sums import as_synthesised, layers
from tests.support.graphs import chain, check_in_verilator

# Outputs, inputs, pe, simd, bits of a result (0: sums).
SMALL = [(18, 40, 3, 20, 1), (14, 18, 7, 1, 1), (10, 14, 1, 7, 1), (6, 10, 6, 2, 2)]
WIDE = [(5, 4200, 5, 70, 1), (6, 5, 3, 1, 0)]


def in_dsp(sizes: list[tuple[int, ...]], target: Target) -> list[MatrixVector]:
    return [replace(unit, memory="distributed", accumulators="dsp") for unit in layers(sizes, target)]


@pytest.mark.parametrize(
    ("sizes", "target"),
    [
        pytest.param(SMALL, Target(), id="small"),
        pytest.param(SMALL, Target(300), id="small, fast", marks=pytest.mark.slow),
        pytest.param(WIDE, Target(), id="sums of more than 12 bits", marks=pytest.mark.slow),
    ],
)
def test_slices_accumulate(sizes: list[tuple[int, ...]], target: Target, tmp_path: Path) -> None:
    units = in_dsp(sizes, target)
    assert all(unit.resources()["dsp"] for unit in units)
    check_in_verilator(chain(units), tmp_path, frames=10, change_rtl=as_synthesised)


def test_a_unit_alone_accumulates(tmp_path: Path) -> None:
    """Its sums reach the output, so that no error is masked."""
    (unit,) = in_dsp([(9, 24, 3, 4, 0)], Target())
    check_in_verilator(chain([unit]), tmp_path, frames=10, change_rtl=as_synthesised)


def test_a_folding_chooses_slices() -> None:
    graph = chain(layers([(8, 24, 4, 4, 1)], Target()))
    assert "accumulators" not in folding_of(graph)["matrix_vector0"]
    entry = {"memory": "distributed", "accumulators": "dsp"}
    folded = apply_folding(graph, parse_folding({"matrix_vector0": entry}, "f.yaml"), "f.yaml")
    assert folding_of(folded)["matrix_vector0"]["accumulators"] == "dsp"
    unit = folded["matrix_vector0"]
    assert unit.resources()["dsp"] == 1
    assert unit.resources()["lut"] < graph["matrix_vector0"].refolded(memory="distributed").resources()["lut"]


@pytest.mark.parametrize(
    ("change", "entry", "hint"),
    [
        ({}, {"memory": "distributed", "accumulators": "bram"}, "legal values are logic, dsp"),
        (
            {"target": Target(family="ecp5")},
            {"memory": "distributed", "accumulators": "dsp"},
            "no accumulators to choose",
        ),
        ({}, {"memory": "logic", "accumulators": "dsp"}, "no accumulators to choose"),
        ({}, {"memory": "distributed", "simd": 24, "accumulators": "dsp"}, "no accumulators to choose"),
        ({"padded": True}, {"memory": "distributed", "accumulators": "dsp"}, "no accumulators to choose"),
        ({"input_type": IntegerType.interval(0, 3)}, {"accumulators": "dsp"}, "no accumulators to choose"),
    ],
)
def test_units_without_such_sums_refuse(change: dict[str, object], entry: dict[str, object], hint: str) -> None:
    weights = np.random.default_rng(0).choice([-1, 1], (8, 24))
    unit = MatrixVector("sums", weights, IntegerType.bipolar(), pe=4, simd=4, memory="distributed").refolded(**change)
    with pytest.raises(UserError, match=r"accumulators: '\w+' is not legal") as caught:
        apply_folding(chain([unit]), parse_folding({"sums": entry}, "f.yaml"), "f.yaml")
    assert caught.value.hint is not None
    assert re.search(hint, caught.value.hint)
