"""The depthwise unit: integers against a slow definition, cycles, hardware in every form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import predict
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table
from tests.support.graphs import chain, check_in_verilator, random_integers

BIPOLAR = IntegerType.bipolar()
TYPES = {
    "bits": BIPOLAR,
    "2 bits": IntegerType.interval(0, 3),
    "signed": IntegerType.interval(-5, 2),
    "byte": IntegerType.interval(0, 255),
    "one bit, 0 and 1": IntegerType.interval(0, 1),
}
WEIGHTS = {"bipolar": (-1, 1), "ternary": (-1, 1), "int4": (-7, 7), "int8": (-128, 127), "positive": (1, 3)}


def depthwise(
    type: str,
    weights: str,
    bits: int,
    *,
    padded: bool = False,
    channels: int = 6,
    pe: int = 2,
    simd: int = 1,
    seed: int = 0,
) -> list[Operator]:
    """A 3x2 depthwise convolution; `bits` of thresholds, 0 for sums."""
    rng = np.random.default_rng(seed)
    low, high = WEIGHTS[weights]
    geometry = Geometry((5, 4), (3, 2), (1, 2), pads=(1, 1, 1, 0) if padded else (0, 0, 0, 0))
    window = Window("window", geometry, channels, TYPES[type], lanes=pe)
    values = rng.integers(low, high + 1, (geometry.taps, channels))
    if weights == "bipolar":
        values = np.where(values < 0, -1, 1)
    unit = VectorVector(
        "vector_vector", values, TYPES[type], geometry.windows, None, window.flagged, pe, kernel=(3, 2), simd=simd
    )
    if bits:
        unit = replace(unit, table=random_table(rng, channels, unit.accumulator.lo, unit.accumulator.hi, bits))
    return [window.in_front_of(unit.interval(), *unit.inputs), unit]


CASES = {
    "xnor, sums": ("bits", "bipolar", 0, {}),
    "xnor, a bit": ("bits", "bipolar", 1, {"pe": 6}),
    "xnor, pads, sums": ("bits", "bipolar", 0, {"padded": True}),
    "xnor, pads, 2 bits": ("bits", "bipolar", 2, {"padded": True, "pe": 3}),
    "bits times ternary, pads": ("bits", "ternary", 2, {"padded": True, "pe": 6}),
    "bits times int8": ("bits", "int8", 0, {"pe": 1}),
    "2 bits added and subtracted": ("2 bits", "bipolar", 2, {"padded": True}),
    "signed times int4": ("signed", "int4", 0, {"padded": True, "pe": 3}),
    "bytes times int8": ("byte", "int8", 3, {"pe": 2}),
    "0 and 1 times int4": ("one bit, 0 and 1", "int4", 1, {"padded": True, "pe": 6}),
    "positive sums are unsigned": ("2 bits", "positive", 0, {"pe": 6}),
    "xnor, pads, channels of a kernel row a beat": ("bits", "bipolar", 2, {"padded": True, "pe": 2, "simd": 2}),
    "bytes times int8, channels of a window a beat": ("byte", "int8", 2, {"padded": True, "pe": 3, "simd": 6}),
    "xnor, two windows a beat": ("bits", "bipolar", 1, {"padded": True, "pe": 12, "simd": 6}),
    "ternary sums, two windows a beat": ("signed", "ternary", 0, {"padded": True, "pe": 12, "simd": 6}),
}


@pytest.mark.parametrize("name", CASES)
def test_preactivations(name: str) -> None:
    """What the unit says that it decides from are its sums, by which its thresholds give its result."""
    type, weights, bits, options = CASES[name]
    window, unit = depthwise(type, weights, bits, **options)
    assert isinstance(unit, VectorVector)
    (x,) = window.execute(random_integers(window.inputs[0], 5, seed=1))
    sums = unit.preactivations(x)
    taps = x.reshape(5, *unit.windows, unit.taps, unit.channels).astype(np.int64)
    np.testing.assert_array_equal(sums, (taps * unit.weights).sum(axis=-2))
    assert unit.thresholds is unit.table
    if unit.table is not None:
        np.testing.assert_array_equal(unit.table.execute(sums), unit.execute(x)[0])


@pytest.mark.parametrize("name", CASES)
def test_hardware(name: str, tmp_path: Path) -> None:
    type, weights, bits, options = CASES[name]
    graph = chain(depthwise(type, weights, bits, **options))
    cycles = check_in_verilator(graph, tmp_path)
    assert cycles.initiation_interval == max(unit.interval() for unit in graph.operators)


def test_a_fast_clock_has_products_and_sums_in_stages_of_their_own(tmp_path: Path) -> None:
    window, unit = depthwise("byte", "int8", 2, padded=True, pe=6, simd=6)
    assert isinstance(unit, VectorVector)
    unit, fast = unit.refolded(target=Target(60)), unit.refolded(target=Target(250))
    assert (unit.product_stages, fast.product_stages) == (1, 2)
    up_to_sums = [one.latency - one.stored_thresholds.stages for one in (unit, fast)]
    assert up_to_sums == [4, 5]
    assert fast.logic_levels < unit.logic_levels
    check_in_verilator(chain([window, fast]), tmp_path)


def test_block_ram_and_one_pixel(tmp_path: Path) -> None:
    """A window of one pixel is a scale for each channel."""
    weights = np.random.default_rng(0).integers(-8, 8, (1, 6))
    unit = VectorVector("vector_vector", weights, TYPES["signed"], (7,), pe=2, memory="block")
    assert check_in_verilator(chain([unit]), tmp_path).initiation_interval == 7 * 3


def test_several_channels_of_each(tmp_path: Path) -> None:
    """A channel multiplier of 2: channels are repeated behind the window."""
    geometry = Geometry((4, 4), (3, 3), pads=(1, 1, 1, 1))
    window = Window("window", geometry, 3, BIPOLAR, lanes=3)
    select = Select("select", (*geometry.windows, 9), 3, (0, 0, 1, 1, 2, 2), BIPOLAR, padded=True)
    weights = np.random.default_rng(0).choice([-1, 1], (9, 6))
    unit = VectorVector("vector_vector", weights, BIPOLAR, geometry.windows, padded=True, pe=6)
    graph = chain([window, select, unit])
    x = random_integers(graph.input.port, 2, 0)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    got = graph.execute(x)["output"]
    for row, column, made in np.ndindex(4, 4, 6):
        pixels = padded[:, row : row + 3, column : column + 3, made // 2].reshape(2, 9)
        np.testing.assert_array_equal(got[:, row, column, made], pixels @ weights[:, made])
    check_in_verilator(graph, tmp_path)


@given(
    type=st.sampled_from(sorted(TYPES)),
    weights=st.sampled_from(sorted(WEIGHTS)),
    bits=st.integers(0, 2),
    padded=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_integers(type: str, weights: str, bits: int, padded: bool, seed: int) -> None:
    """Against a slow definition; every sum lies in the exact interval, whose ends are reached by some input."""
    unit = depthwise(type, weights, bits, padded=padded, seed=seed)[1]
    assert isinstance(unit, VectorVector)
    x = random_integers(unit.inputs[0], 2, seed)
    if unit.padded:
        x = np.where(np.random.default_rng(seed).random(x.shape) < 0.3, 0, x)
    (got,) = unit.execute(x)
    pixels = x.reshape(2, *unit.windows, unit.taps, unit.channels)
    for place in np.ndindex(got.shape):
        total = sum(int(pixels[(*place[:-1], tap, place[-1])]) * int(unit.weights[tap, place[-1]]) for tap in range(6))
        if unit.table is None:
            expected = total
        else:
            decreasing, values = unit.table.decreasing[place[-1]], unit.table.values[place[-1]]
            count = sum((total < value) if decreasing else (total >= value) for value in values.tolist())
            expected = 2 * count - 1 if unit.result_type.is_bipolar else unit.result_type.lo + count
        assert got[place] == expected
        assert unit.accumulator.lo <= total <= unit.accumulator.hi
    lo, hi = unit.input_type.lo, unit.input_type.hi
    most = np.where(unit.weights > 0, hi, lo)
    least = np.where(unit.weights > 0, lo, hi)
    if unit.padded:
        most, least = (
            np.where(extreme * unit.weights * sign < 0, 0, extreme) for extreme, sign in ((most, 1), (least, -1))
        )
    assert ((most * unit.weights).sum(axis=0).max(), (least * unit.weights).sum(axis=0).min()) == (
        unit.accumulator.hi,
        unit.accumulator.lo,
    )


@given(
    channels=st.integers(1, 12),
    taps=st.integers(1, 10),
    pe=st.integers(1, 12),
    bits=st.integers(0, 1),
    seed=st.integers(0, 9),
)
def test_it_loses_no_cycle(channels: int, taps: int, pe: int, bits: int, seed: int) -> None:
    """The queue is deep enough for the beats that leave in a row."""
    rng = np.random.default_rng(seed)
    weights = rng.choice([-1, 1], (taps, channels * pe))
    unit = VectorVector("vector_vector", weights, BIPOLAR, (3,), None, False, pe)
    if bits:
        table = random_table(rng, channels * pe, -taps, taps, 1)
        unit = VectorVector(unit.name, weights, BIPOLAR, (3,), table, False, pe)
    assert predict(chain([unit])).initiation_interval == unit.interval() == 3 * taps * channels


@pytest.mark.parametrize("weights", [[-1, 0], [0, 1], [0]])
def test_weights_of_zero_and_one_sign(weights: list[int], tmp_path: Path) -> None:
    """They are two bits wide: one bit would mean -1 and +1."""
    rng = np.random.default_rng(0)
    unit = VectorVector("vector_vector", rng.choice(weights, (4, 6)), TYPES["signed"], (5,), pe=3)
    assert unit.weight_type.bits == 2
    check_in_verilator(chain([unit]), tmp_path)


HARDWARE_TESTS = {"vector_vector": test_hardware}
