"""Nearest upsampling: integers, cycles, its line buffer, hardware."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.token_model import predict
from bnnfpga.numbers.integers import IntegerType
from tests.support.graphs import chain, check_in_verilator, random_integers

BIPOLAR = IntegerType.bipolar()
SIGNED = IntegerType.interval(-5, 2)

CASES = {
    "2x2": Upsample("upsample", (3, 4), 4, BIPOLAR, (2, 2), 2),
    "rows only": Upsample("upsample", (3, 4), 3, SIGNED, (3, 1), 1),
    "columns only": Upsample("upsample", (3, 4), 6, SIGNED, (1, 3), 2),
    "one column": Upsample("upsample", (5, 1), 2, BIPOLAR, (4, 2), 2),
    "time": Upsample("upsample", (1, 7), 2, SIGNED, (1, 2), 1),
    "block RAM": Upsample("upsample", (2, 40), 64, SIGNED, (2, 2), 16),
    "nothing to do": Upsample("upsample", (2, 3), 2, SIGNED, (1, 1), 1),
    "uneven": Upsample("upsample", (3, 4), 4, SIGNED, ((1, 3, 2), (2, 1, 1, 4)), 2),
    "uneven rows": Upsample("upsample", (4, 3), 3, BIPOLAR, ((2, 1, 1, 2), 1), 3),
    "uneven time": Upsample("upsample", (1, 5), 2, SIGNED, (1, (1, 2, 2, 1, 3)), 1),
}


@st.composite
def upsamples(draw: st.DrawFn) -> Upsample:
    size = st.integers(1, 5)
    image = (draw(size), draw(size))
    copies = [st.integers(1, 4) | st.tuples(*[st.integers(1, 4)] * extent) for extent in image]
    unit = Upsample("upsample", image, draw(st.integers(1, 6)), SIGNED, (draw(copies[0]), draw(copies[1])))
    return Upsample("upsample", unit.image, unit.channels, SIGNED, unit.factors, draw(st.sampled_from(unit.legal_pe())))


@given(unit=upsamples())
def test_integers(unit: Upsample) -> None:
    x = random_integers(unit.inputs[0], 2, 0)
    (got,) = unit.execute(x)
    assert got.shape[1:] == unit.outputs[0].shape
    rows, columns = (
        [place for place, count in enumerate(np.broadcast_to(factor, extent)) for _ in range(count)]
        for factor, extent in zip(unit.factors, unit.image, strict=True)
    )
    for row, column in np.ndindex(got.shape[1:3]):
        np.testing.assert_array_equal(got[:, row, column], x[:, rows[row], columns[column]])


@settings(deadline=None)
@given(unit=upsamples())
def test_it_loses_no_cycle(unit: Upsample) -> None:
    assert predict(chain([unit])).initiation_interval == unit.interval() == unit.outputs[0].beats


@settings(deadline=None)
@given(unit=upsamples())
def test_a_producer_at_an_even_pace_never_waits(unit: Upsample) -> None:
    """Behind a unit that takes as long for a beat as this one for all its copies, both run at full rate."""
    steps = -(-unit.outputs[0].beats // unit.inputs[0].beats)
    weights = np.random.default_rng(0).choice([-1, 1], (unit.channels, steps))
    producer = MatrixVector("matrix_vector", weights, BIPOLAR, unit.image, pe=unit.pe)
    behind = Upsample("upsample", unit.image, unit.channels, producer.outputs[0].type, unit.factors, unit.pe)
    assert predict(chain([producer, behind])).initiation_interval == producer.interval() >= unit.outputs[0].beats


def test_the_line_buffer_is_small() -> None:
    """A row is kept while it is sent again; what comes meanwhile takes the places of what goes."""
    assert Upsample("upsample", (8, 16), 1, BIPOLAR, (2, 2)).depth <= 16 + 2
    assert Upsample("upsample", (8, 16), 4, BIPOLAR, (1, 5)).depth <= 4 + 4


@pytest.mark.parametrize("name", CASES)
def test_hardware(name: str, tmp_path: Path) -> None:
    check_in_verilator(chain([CASES[name]]), tmp_path)


HARDWARE_TESTS = {"upsample": test_hardware}
