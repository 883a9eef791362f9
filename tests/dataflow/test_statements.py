"""What units state: kinds of memory that there are, parameters once for both hardware forms, sums and functions."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.hardware import HlsTable, Memory
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.unit_parameters import both, flags, hls_only, rtl_only
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from tests.support.graphs import chain

URAM = cast(MemoryKind, "uram")
SIGNS = np.random.default_rng(0).choice([-1, 1], (6, 4))
COUNT = IntegerType.interval(0, 3)


@pytest.mark.parametrize("unit", [MatrixVector, VectorVector])
def test_units_refuse_other_memories(unit: type[MatrixVector | VectorVector]) -> None:
    with pytest.raises(ValueError, match="unit0: a memory is block or distributed, not 'uram'"):
        unit("unit0", SIGNS, IntegerType.bipolar(), memory=URAM)
    with pytest.raises(ValueError, match="not 'uram'"):
        replace(unit("unit0", SIGNS, IntegerType.bipolar()), memory=URAM)


def test_thresholds_refuse_other_memories() -> None:
    table = ThresholdTable(np.array([[1]]), np.array([False]), IntegerType.bipolar())
    with pytest.raises(ValueError, match="threshold0: a memory is"):
        Threshold("threshold0", (4,), COUNT, table, memory=URAM)


def test_memories_and_tables_refuse_other_kinds() -> None:
    bits = np.zeros((2, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="weights: a memory is block or distributed, not 'uram'"):
        Memory("weights", bits, URAM)
    with pytest.raises(ValueError, match="weights: a memory is"):
        HlsTable("weights", bits, False, URAM)


def test_a_folding_sets_the_memory_of_units_that_have_one() -> None:
    graph = chain([Lookup("lookup0", (4,), COUNT, np.arange(4), COUNT)])
    with pytest.raises(UserError, match="memory: 'block' is not legal") as caught:
        apply_folding(graph, {"lookup0": LayerFolding(memory="block")})
    assert caught.value.hint == "this layer has no memory to choose"


def test_a_parameter_is_stated_once_for_both_forms() -> None:
    stated = hls_only(Beats=3) + both(PE=2, Sum=True) + flags(False) + rtl_only(QueueDepth=5, MemoryKind="block")
    assert list(stated.rtl.items()) == [("PE", 2), ("Sum", 1), ("Flags", 0), ("QueueDepth", 5), ("MemoryKind", "block")]
    assert type(stated.rtl["Sum"]) is int
    assert list(stated.hls.items()) == [("Beats", 3), ("PE", 2), ("Sum", True), ("Flagged", False)]


def test_no_form_takes_a_parameter_twice() -> None:
    assert (rtl_only(Width=4) + hls_only(Width=4)).hls == {"Width": 4}
    with pytest.raises(ValueError, match="Width: a form takes each parameter once"):
        both(Width=4) + rtl_only(Width=4)


@pytest.mark.parametrize(
    "unit",
    [
        MatrixVector("unit", SIGNS, COUNT, (3,)),
        VectorVector("unit", SIGNS, COUNT, (3,)),
        MatrixVector("unit", SIGNS, IntegerType.bipolar(), (2, 3)),
        VectorVector("unit", SIGNS, IntegerType.bipolar(), (2, 3)),
    ],
)
def test_weighted_sums_are_those_that_the_unit_makes(unit: Operator) -> None:
    sums = unit.weighted_sums
    assert sums is not None
    assert unit.products == SIGNS.size * unit.outputs[0].elements // unit.outputs[0].shape[-1]
    rng = np.random.default_rng(1)
    shape = (2, *unit.inputs[0].shape)
    x = rng.choice([-1, 1], shape) if sums.input_type.is_bipolar else rng.integers(0, 4, shape)
    vectors = x.reshape(-1, sums.vector)
    results = unit.execute(x)[0].reshape(len(vectors), -1)
    for channel in range(results.shape[1]):
        elements, weights = sums.operands(channel)
        np.testing.assert_array_equal(vectors[:, elements] @ weights, results[:, channel])


def test_an_element_function_changes_at_its_steps() -> None:
    table = np.array([[0, 0, 5, 5], [1, 2, 2, 2]])
    function = Lookup("lookup", (3, 2), COUNT, table, IntegerType.interval(0, 5)).element_function
    assert function.rows == 2
    assert function.steps.tolist() == [1, 2]
    np.testing.assert_array_equal(function.apply(np.array([[0, 0], [1, 1], [3, 3]])), [[0, 1], [0, 2], [5, 2]])
