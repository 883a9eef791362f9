"""The sliding window unit: its integers against a slow definition, its cycles, its line buffer, its hardware."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import divisors
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import predict
from bnnfpga.dataflow.window_beats import pixels_abreast, window_lanes
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.support.graphs import chain, check_in_verilator, random_integers

BIPOLAR = IntegerType.bipolar()
BYTE = IntegerType.interval(-128, 127)
FAST = Target(400.0, "ecp5")

CASES = {
    "valid 3x3": Window("window", Geometry((6, 7), (3, 3)), 4, BIPOLAR, lanes=2),
    "same 3x3, flags": Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=4),
    "same 3x3, whole window": Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=36),
    "same 3x3, kernel rows": Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 3, BYTE, fill=0, lanes=9),
    "part of a kernel row": Window("window", Geometry((5, 6), (2, 4), pads=(1, 2, 0, 1)), 1, BYTE, fill=-3, lanes=2),
    "stride 2": Window("window", Geometry((7, 6), (2, 2), (2, 2)), 2, BYTE, lanes=1),
    "stride larger than the kernel": Window("window", Geometry((8, 9), (2, 1), (3, 4)), 2, BYTE, lanes=2),
    "dilation": Window(
        "window", Geometry((9, 8), (3, 2), dilation=(2, 3), pads=(2, 0, 1, 3)), 2, BYTE, fill=0, lanes=1
    ),
    "asymmetric pads": Window("window", Geometry((4, 5), (3, 3), (2, 1), pads=(2, 0, 1, 2)), 2, BIPOLAR, lanes=2),
    "wide pads": Window("window", Geometry((3, 3), (2, 2), pads=(3, 2, 3, 4)), 1, BIPOLAR, lanes=1),
    "time": Window("window", Geometry((1, 12), (1, 5), (1, 2), pads=(0, 2, 0, 2)), 3, BYTE, fill=0, lanes=3),
    "every second pixel, whole ones arriving": Window("window", Geometry((6, 6), (1, 1), (2, 2)), 4, BIPOLAR, units=4),
    "the whole image": Window("window", Geometry((4, 4), (4, 4)), 2, BYTE, lanes=2),
    "two pixels for two windows": Window(
        "window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 2, BIPOLAR, lanes=36, units=2
    ),
    "three pixels for two windows": Window("window", Geometry((6, 9), (3, 2)), 2, BYTE, lanes=24, units=3),
    "four pixels for a window, stride 2": Window(
        "window", Geometry((6, 8), (2, 2), (2, 2)), 3, BYTE, lanes=12, units=4
    ),
    "four pixels for a kernel row": Window(
        "window", Geometry((5, 8), (3, 3), (1, 3), pads=(1, 1, 0, 2)), 1, BYTE, fill=-1, lanes=3, units=4
    ),
    "three windows of dilated pixels": Window(
        "window", Geometry((7, 10), (2, 3), (1, 2), (2, 3), (0, 3, 1, 5)), 1, BYTE, fill=7, lanes=18, units=5
    ),
    "windows of a row of all its pixels": Window(
        "window", Geometry((4, 4), (3, 3), pads=(1, 1, 1, 1)), 1, BIPOLAR, lanes=36, units=4
    ),
    "block RAM at a fast clock": Window(
        "window", Geometry((6, 8), (3, 3), pads=(1, 1, 1, 1)), 8, BYTE, fill=0, lanes=2, target=FAST
    ),
    "two pixels for two windows at a fast clock": Window(
        "window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 2, BIPOLAR, lanes=36, units=2, target=FAST
    ),
    "pixels of pads": Window("window", Geometry((3, 6), (1, 1), pads=(1, 2, 1, 1)), 2, BYTE, lanes=6, units=2),
}


def slow(window: Window, x: np.ndarray) -> np.ndarray:
    """One element at a time."""
    geometry = window.geometry
    rows, columns = geometry.windows
    result = np.zeros((len(x), rows, columns, *geometry.kernel, window.channels), dtype=np.int64)
    for place in np.ndindex(rows, columns, *geometry.kernel):
        row, column = (
            place[axis] * geometry.stride[axis] - geometry.pads[axis] + place[axis + 2] * geometry.dilation[axis]
            for axis in (0, 1)
        )
        inside = 0 <= row < geometry.image[0] and 0 <= column < geometry.image[1]
        result[(slice(None), *place)] = x[:, row, column] if inside else window.fill
    return result.reshape(len(x), rows, columns, -1)


def windows() -> st.SearchStrategy[Window]:
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))

    @st.composite
    def draw(draw: st.DrawFn) -> Window:
        kernel, channels = draw(pair), draw(st.integers(1, 4))
        geometry = Geometry(
            draw(st.tuples(st.integers(1, 8), st.integers(1, 8))),
            kernel,
            draw(pair),
            draw(pair),
            draw(st.tuples(*[st.integers(0, 3)] * 4)),
        )
        assume(min(geometry.windows) > 0)
        type, fill = draw(st.sampled_from([(BIPOLAR, 0), (BIPOLAR, -1), (BIPOLAR, 1), (BYTE, 0), (BYTE, 200)]))
        whole = geometry.taps * channels
        lanes = [*window_lanes(kernel, channels), *(whole * count for count in divisors(geometry.windows[1])[1:])]
        unit = Window("window", geometry, channels, type, fill, draw(st.sampled_from(lanes)))
        if unit.windows == 1:
            legal = pixels_abreast(kernel, channels, unit.lanes)
            unit = replace(unit, pixels=draw(st.sampled_from(legal)))
        return replace(unit, units=draw(st.sampled_from(unit.legal_units)))

    return draw()


@given(window=windows())
def test_integers_of_any_window(window: Window) -> None:
    x = random_integers(window.inputs[0], 2, 0)
    np.testing.assert_array_equal(window.execute(x)[0], slow(window, x))


@settings(deadline=None)
@given(window=windows())
def test_it_loses_no_cycle(window: Window) -> None:
    """Alone, its interval is that of its slower side: pads, rows and frames cost nothing."""
    cycles = predict(chain([window]))
    assert cycles.initiation_interval == max(window.inputs[0].beats, window.outputs[0].beats)


@pytest.mark.parametrize("name", CASES)
def test_hardware(name: str, tmp_path: Path) -> None:
    window = CASES[name]
    units: list[Operator] = [window]
    if window.flagged:  # Only a unit can read flags.
        weights = np.random.default_rng(0).choice([-1, 1], (2, window.outputs[0].shape[-1]))
        units.append(
            MatrixVector(
                "matrix_vector",
                weights,
                window.type,
                window.geometry.windows,
                pe=2 * window.windows,
                simd=window.lanes // window.windows,
                kernel=window.geometry.kernel,
                padded=True,
            )
        )
    check_in_verilator(chain(units), tmp_path)


def test_the_line_buffer_is_small() -> None:
    """Little more than two rows and the pixels under the kernel's last row."""
    window = Window("window", Geometry((32, 32), (3, 3), pads=(1, 1, 1, 1)), 16, BIPOLAR, lanes=16)
    assert 2 * 32 + 3 <= window.depth <= 2 * 32 + 8


HARDWARE_TESTS = {"window": test_hardware}
