"""Element types: the fewest bits, and encodings that invert."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnfpga.host.words import BoundaryFormat
from bnnfpga.numbers.integers import IntegerType


@st.composite
def types(draw: st.DrawFn) -> IntegerType:
    lo = draw(st.integers(-70_000, 70_000))
    hi = draw(st.integers(lo, 70_000))
    kind = draw(st.sampled_from(["bipolar", "fewest", "signed"]))
    if kind == "bipolar":
        return IntegerType.bipolar()
    return IntegerType.interval(lo, hi) if kind == "fewest" else IntegerType(lo, hi, "signed")


@given(type=types())
def test_codes_invert_and_fit(type: IntegerType) -> None:
    values = np.array([type.lo, type.hi], dtype=np.int64)
    codes = type.encode(values)
    assert codes.min() >= 0
    assert codes.max() < 1 << type.bits
    np.testing.assert_array_equal(type.decode(codes), values)


@pytest.mark.parametrize(
    ("lo", "hi", "bits"),
    [(0, 0, 1), (0, 1, 1), (0, 2, 2), (0, 255, 8), (-1, 0, 1), (-1, 1, 2), (-2, 1, 2), (-128, 127, 8), (-129, 0, 9)],
)
def test_fewest_bits(lo: int, hi: int, bits: int) -> None:
    assert IntegerType.interval(lo, hi).bits == bits


def test_bad_types() -> None:
    for arguments in [(2, 1, "signed"), (-1, 1, "unsigned"), (0, 1, "bipolar")]:
        with pytest.raises(ValueError, match=r"interval|bipolar|unsigned"):
            IntegerType(*arguments)  # type: ignore[arg-type]


@given(
    type=types(), lanes=st.integers(1, 9), beats=st.integers(1, 4), frames=st.integers(1, 3), seed=st.integers(0, 99)
)
def test_boundary_words_invert(type: IntegerType, lanes: int, beats: int, frames: int, seed: int) -> None:
    stream = BoundaryFormat(lanes * beats, type, lanes)
    values = np.random.default_rng(seed).integers(type.lo, type.hi + 1, (frames, lanes * beats))
    if type.is_bipolar:
        values = np.where(values < 0, -1, 1)
    data = stream.pack(values)
    assert data.shape == (frames, beats * stream.beat_bytes)
    np.testing.assert_array_equal(stream.unpack(data), values)


def test_boundary_layout() -> None:
    """Element 0 in the least significant bits, each beat padded to whole bytes."""
    stream = BoundaryFormat(6, IntegerType.interval(0, 7), 3)
    np.testing.assert_array_equal(stream.pack(np.array([[1, 2, 3, 4, 5, 6]])), [[0b11_010_001, 0, 0b10_101_100, 1]])
