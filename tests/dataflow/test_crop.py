"""Crops and strides: integers, cycles, hardware."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.token_model import predict
from bnnfpga.numbers.integers import IntegerType
from tests.support.graphs import chain, check_in_verilator, joined, random_integers
from tests.support.unit_test import UnitTest

BIPOLAR = IntegerType.bipolar()
SIGNED = IntegerType.interval(-5, 2)

UNITS = {
    "every second": Crop("crop", (4, 5), 4, SIGNED, (0, 2), (0, 2, 4), 2),
    "rows": Crop("crop", (5, 4), 3, BIPOLAR, (1, 2, 3), (0, 1, 2, 3), 12),
    "columns": Crop("crop", (3, 6), 2, SIGNED, (0, 1, 2), (1, 4), 1),
    "two columns a cycle": Crop("crop", (3, 6), 2, SIGNED, (0, 2), (0, 1, 4, 5), 4),
    "a sample": Crop("crop", (1, 7), 3, SIGNED, (0,), (3,), 3),
    "the last pixel": Crop("crop", (3, 3), 1, SIGNED, (2,), (2,), 1),
    "everything": Crop("crop", (2, 3), 2, BIPOLAR, (0, 1), (0, 1, 2), 1),
}


def some(extent: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.sets(st.integers(0, extent - 1), min_size=1).map(lambda kept: tuple(sorted(kept)))


@st.composite
def crops(draw: st.DrawFn) -> Crop:
    image = (draw(st.integers(1, 6)), draw(st.integers(1, 8)))
    unit = Crop("crop", image, draw(st.integers(1, 6)), SIGNED, draw(some(image[0])), draw(some(image[1])))
    return replace(unit, pe=draw(st.sampled_from(unit.legal_pe())))


@given(unit=crops())
def test_integers(unit: Crop) -> None:
    x = random_integers(unit.inputs[0], 2, 0)
    (got,) = unit.execute(x)
    assert got.shape[1:] == unit.outputs[0].shape
    for row, column in np.ndindex(got.shape[1:3]):
        np.testing.assert_array_equal(got[:, row, column], x[:, unit.rows[row], unit.columns[column]])


@settings(deadline=None)
@given(unit=crops())
def test_it_takes_a_beat_a_cycle(unit: Crop) -> None:
    assert predict(chain([unit])).initiation_interval == unit.interval() == unit.inputs[0].beats


@pytest.mark.parametrize("kept", [(), (1, 0), (0, 0), (-1,), (4,)])
def test_it_keeps_some_rows(kept: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not some of 4 rows or columns"):
        Crop("crop", (4, 2), 1, SIGNED, kept, (0,))


class TestCrop(UnitTest):
    kind = "crop"
    units = UNITS


def unrolled() -> Graph:
    """Samples of a signal, each by a crop of its own, added up from the last to the first."""
    port = Port((1, 4, 2), SIGNED, 2)
    forks = [Fork(f"fork{index}", port) for index in range(3)]
    samples = [Crop(f"crop{index}", (1, 4), 2, SIGNED, (0,), (index,), 2) for index in range(4)]
    first = Add("add0", (1, 1, 2), (SIGNED, SIGNED), (1, 1), pe=2)
    second = Add("add1", (1, 1, 2), (first.result_type, SIGNED), (1, -2), pe=2)
    third = Add("add2", (1, 1, 2), (second.result_type, SIGNED), (3, 1), pe=2)
    pairs = [
        *(("fork0", "crop3"), ("fork0", "fork1"), ("fork1", "crop2"), ("fork1", "fork2")),
        *(("fork2", "crop1"), ("fork2", "crop0")),
        *(
            ("crop3", "add0"),
            ("crop2", "add0"),
            ("add0", "add1"),
            ("crop1", "add1"),
            ("add1", "add2"),
            ("crop0", "add2"),
        ),
    ]
    return joined([*forks, *samples, first, second, third], pairs)


def test_crops_of_one_stream_in_hardware(tmp_path: Path) -> None:
    """Samples that wait for later ones hold nothing up for ever."""
    check_in_verilator(unrolled(), tmp_path)


def test_resampling_in_hardware(tmp_path: Path) -> None:
    """Any rising order of rows and columns: a crop, then copies of what it keeps."""
    crop = Crop("crop", (4, 5), 2, SIGNED, (0, 2, 3), (1, 2, 4), 1)
    check_in_verilator(chain([crop, Upsample("upsample", (3, 3), 2, SIGNED, ((1, 2, 1), (2, 1, 3)), 1)]), tmp_path)
