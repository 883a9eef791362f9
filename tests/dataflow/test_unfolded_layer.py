"""Unfolded layers as netlists: the integers of the unit itself, for every kind of weight, input and threshold."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.unfolded_layer import unfolded_layer
from bnnfpga.netlists.values import evaluate
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from tests.dataflow.chains import random_table

INPUTS = {
    "bipolar": IntegerType.bipolar(),
    "bits": IntegerType.interval(0, 1),
    "planes": IntegerType.interval(0, 7),
    "ternary": IntegerType.interval(-1, 1),
    "signed": IntegerType.interval(-8, 7),
}
WEIGHTS = {"binary": [-1, 1], "ternary": [-1, 0, 1], "integers": [*range(-8, 8)], "zeros": [0]}


@pytest.mark.parametrize("parts", [0, 3])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_the_netlist_gives_the_integers_of_the_unit(inputs: str, weights: str, parts: int) -> None:
    """Sums, and one, two or many thresholds, increasing and decreasing; some parts lie outside the image."""
    type, rng = INPUTS[inputs], np.random.default_rng(len(inputs) + len(weights) + parts)
    matrix = rng.choice(WEIGHTS[weights], (7, 9)).astype(np.int64)
    vectors = rng.choice([-1, 1] if type.is_bipolar else [*range(type.lo, type.hi + 1)], (200, 9))
    bits = {"x": to_bits(type.encode(vectors), type.bits).reshape(200, -1)}
    if parts:
        bits["outside"] = rng.integers(0, 2, (200, parts), np.uint8)
        vectors = vectors * np.repeat(1 - bits["outside"].astype(np.int64), 9 // parts, axis=1)
    bound = max(1, int(np.abs(vectors @ matrix.T).max()))
    tables = [None, *(random_table(rng, 7, -bound, bound, levels) for levels in (1, 2, 6))]
    for table in tables:
        unit = MatrixVector("unit", matrix, type, (), table, padded=bool(parts), kernel=(1, max(1, parts)))
        output = unit.outputs[0].type
        (expected,) = unit.execute(vectors)
        netlist = unfolded_layer(matrix, type, parts, table, output)
        assert len(netlist.outputs["y"]) == 7 * output.bits
        codes = evaluate(netlist, bits)["y"].reshape(200, 7, output.bits)
        np.testing.assert_array_equal(codes, to_bits(output.encode(expected.astype(np.int64)), output.bits))


@pytest.mark.parametrize("inputs", INPUTS)
def test_inputs_that_never_change_but_where_they_are_flagged(inputs: str) -> None:
    type, rng = INPUTS[inputs], np.random.default_rng(len(inputs))
    matrix = rng.choice(WEIGHTS["integers"], (7, 9)).astype(np.int64)
    vectors = rng.choice([-1, 1] if type.is_bipolar else [*range(type.lo, type.hi + 1)], (200, 9))
    constants = ((0, type.hi), (4, type.lo), (8, type.hi))
    for place, value in constants:
        vectors[:, place] = value
    bits = {"x": to_bits(type.encode(vectors), type.bits).reshape(200, -1)}
    bits["outside"] = rng.integers(0, 2, (200, 3), np.uint8)
    inside = vectors * np.repeat(1 - bits["outside"].astype(np.int64), 3, axis=1)
    for table in (None, random_table(rng, 7, -40, 40, 2)):
        unit = MatrixVector("unit", matrix, type, (), table, padded=True, kernel=(1, 3))
        output = unit.outputs[0].type
        codes = evaluate(unfolded_layer(matrix, type, 3, table, output, constants), bits)["y"].reshape(200, 7, -1)
        (expected,) = unit.execute(inside)
        np.testing.assert_array_equal(codes, to_bits(output.encode(expected.astype(np.int64)), output.bits))


def test_constant_channels_and_shared_thresholds() -> None:
    output = IntegerType.bipolar()
    matrix = np.random.default_rng(0).choice([-1, 1], (4, 10))
    table = ThresholdTable(np.array([[-10], [11], [0], [0]]), np.array([False, False, False, True]), output)
    y = unfolded_layer(matrix, output, 0, table, output).outputs["y"]
    assert y[:2] == (1, 0)
    shared = ThresholdTable(np.array([[2]]), np.array([True]), output)
    netlist = unfolded_layer(matrix, output, 0, shared, output)
    x = np.random.default_rng(1).integers(0, 2, (99, 10), np.uint8)
    np.testing.assert_array_equal(evaluate(netlist, {"x": x})["y"], (2 * x.astype(np.int64) - 1) @ matrix.T < 2)
