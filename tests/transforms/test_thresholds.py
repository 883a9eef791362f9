"""Thresholds by evaluation: equal to the chain they replace on every integer that can occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.thresholds import bipolar_sum_to_count
from bnnfpga.frontend.forms.quantizers import ROUNDING_MODES
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.transforms import step_functions as module
from bnnfpga.transforms.step_functions import IntervalFunction, integer_function
from tests.conftest import THOROUGH

CONSTANTS = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-30, -1e-30, 1e-42, 1e30, -1e30, 0.1, 1 / 3]),
    st.floats(-100, 100, width=32),
)
CASES = 10_000 if THOROUGH else 400


@st.composite
def constants(draw: st.DrawFn, channels: int) -> np.ndarray:
    return np.asarray(draw(st.lists(CONSTANTS, min_size=channels, max_size=channels)), np.float32)


@st.composite
def elementwise(draw: st.DrawFn, channels: int) -> Step:
    """Affine steps with constants of all signs and sizes, and what activations do."""
    operation = draw(
        st.sampled_from(["add", "subtract", "subtract_from", "multiply", "divide", "add", "multiply", "divide"])
        | st.sampled_from(["maximum", "minimum", "multiply_below_zero", "round", "floor"])
    )
    if operation in ("round", "floor"):
        return Step(operation)
    values = draw(constants(channels))
    if operation == "divide":
        values[np.abs(values) < 1e-3] = 0.7
    return Step(operation, values)


@st.composite
def quantizers(draw: st.DrawFn, channels: int) -> list[Step]:
    """Bipolar, ternary, of 1 to 4 bits with every rounding and a zero point, or a count of thresholds."""
    kind = draw(st.sampled_from(["sign", "sign_or_zero", "quant", "quant", "count"]))
    if kind == "count":
        levels = draw(st.integers(1, 5))
        thresholds = np.sort(np.stack([draw(constants(channels)) for _ in range(levels)], axis=-1), axis=-1)
        factor, offset = draw(st.sampled_from([(1, 0), (1, -3), (2, -levels), (-1, 2)]))
        return [Step("count", thresholds), Step("multiply", np.float32(factor)), Step("add", np.float32(offset))]
    if kind != "quant":
        return [Step(kind)]
    bits = draw(st.integers(1, 4))
    scale = np.float32(draw(st.sampled_from([1.0, 0.25, 0.1, 3.7, 1e-20])))
    lo, zero = draw(st.sampled_from([0, -(2 ** (bits - 1))])), np.float32(draw(st.sampled_from([0, 0, 1, -5])))
    return [
        Step("divide", scale),
        Step("add", zero),
        Step("maximum", np.float32(lo)),
        Step("minimum", np.float32(lo + 2**bits - 1)),
        Step(draw(st.sampled_from(sorted(set(ROUNDING_MODES.values()))))),
        Step("subtract", zero),
    ]


@st.composite
def chains(draw: st.DrawFn) -> list[Step]:
    channels = draw(st.sampled_from([1, 3]))
    steps = draw(st.lists(elementwise(channels), max_size=5))
    return [*steps, *draw(quantizers(channels))]


@st.composite
def reachable(draw: st.DrawFn) -> range:
    lo = draw(st.integers(-60, 60))
    return range(lo, lo + draw(st.integers(1, 120)), draw(st.sampled_from([1, 2])))


def _codes(steps: list[Step], values: range) -> np.ndarray:
    codes = apply_steps(steps, np.array(values)[:, None].astype(np.float32))
    return np.broadcast_to(codes, (len(values), max(step.channels for step in steps)))


def _table(steps: list[Step], values: range) -> ThresholdTable:
    function = integer_function(steps, values, where="test")
    assert isinstance(function, ThresholdTable)
    return function


def _is_monotone(codes: np.ndarray) -> bool:
    change = np.diff(codes, axis=0)
    return bool(np.all(np.all(change >= 0, axis=0) | np.all(change <= 0, axis=0)))


@settings(max_examples=CASES, deadline=None)
@given(steps=chains(), values=reachable())
def test_equals_its_chain(steps: list[Step], values: range) -> None:
    codes = _codes(steps, values)
    if not np.all(np.isfinite(codes)):
        with pytest.raises(UserError):
            _table(steps, values)
        return
    if not _is_monotone(codes):
        _check_intervals(integer_function(steps, values, where="test"), values, codes)
        return
    table = _table(steps, values)
    np.testing.assert_array_equal(table.execute(np.broadcast_to(np.array(values)[:, None], codes.shape)), codes)
    assert table.values.min() >= values[0]
    assert table.values.max() <= values[-1] + 1
    assert table.output.is_bipolar == bool(np.all(np.abs(codes) == 1))
    if not table.output.is_bipolar:
        # The interval is exact, but holds at least two values.
        assert (table.output.lo, table.output.hi) == (codes.min(), max(codes.max(), codes.min() + 1))


def _check_intervals(function: ThresholdTable | IntervalFunction, values: range, codes: np.ndarray) -> None:
    """What turns around is intervals with codes, by the number of thresholds reached and by the value alike."""
    assert isinstance(function, IntervalFunction)
    x = np.array(values)
    counts = (x[:, None, None] >= function.intervals.values).sum(axis=2)
    rows = np.arange(len(function.codes))
    np.testing.assert_array_equal(np.broadcast_to(function.codes[rows, counts], codes.shape), codes)
    np.testing.assert_array_equal(np.broadcast_to(function.table(values).T, codes.shape), codes)
    assert function.intervals.values.min() >= values[0]
    assert function.intervals.values.max() <= values[-1] + 1
    assert np.all(np.diff(function.intervals.values, axis=1) >= 0)
    assert function.output.is_bipolar == bool(np.all(np.abs(codes) == 1))
    assert np.all(function.output.holds(codes))
    assert function.output.is_bipolar or (function.output.lo, function.output.hi) == (codes.min(), codes.max())


@settings(max_examples=CASES // 2, deadline=None)
@given(steps=chains(), values=reachable())
def test_bisection_equals_evaluation(steps: list[Step], values: range) -> None:
    codes = _codes(steps, values)
    assume(np.all(np.isfinite(codes)) and all(step.slope() is not None for step in steps))
    by_table = _table(steps, values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MAX_EVALUATED", 0)
        by_bisection = _table(steps, values)
    np.testing.assert_array_equal(by_table.values, by_bisection.values)
    np.testing.assert_array_equal(by_table.decreasing, by_bisection.decreasing)
    assert by_table.output == by_bisection.output


@pytest.mark.parametrize("step", [1, 2])
def test_ternary_signs_narrow_where_zero_cannot_occur(step: int) -> None:
    table = _table([Step("sign_or_zero")], range(-5, 6, step))
    assert table.output.is_bipolar == (step == 2)
    assert table.levels == 3 - step


def test_directions_and_constants() -> None:
    steps = [
        Step("multiply", np.array([1, -1, 0, 0], np.float32)),
        Step("add", np.array([0.5, 0.5, 1, -1], np.float32)),
    ]
    table = _table([*steps, Step("sign")], range(-4, 5))
    assert table.decreasing.tolist() == [False, True, False, False]
    # Constant channels get the ends of the range: always reached, or never.
    assert table.values[:, 0].tolist() == [0, 1, -4, 5]


def test_a_function_that_turns_is_intervals() -> None:
    steps = [Step("add", np.float32(0.5)), Step("divide_into", np.float32(1)), Step("round")]
    function = integer_function(steps, range(-3, 4), where="test")
    assert isinstance(function, IntervalFunction)
    # 1 / -2.5, -1.5, -0.5, 0.5, 1.5, 2.5 and 3.5, rounded.
    assert function.table(range(-3, 4)).tolist() == [[0, -1, -2, 2, 1, 0, 0]]
    assert function.intervals.values.tolist() == [[-2, -1, 0, 1, 2]]


def test_pieces_of_an_evaluation_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and channels that are evaluated in pieces give what they give at once."""
    rng = np.random.default_rng(0)
    steps = [
        Step("multiply", rng.normal(0, 0.1, 7).astype(np.float32)),
        Step("add", rng.normal(0, 1, 7).astype(np.float32)),
        Step("hard_swish"),
        Step("multiply", np.float32(8)),
        Step("round"),
    ]
    whole = integer_function(steps, range(-100, 101), where="test")
    monkeypatch.setattr(module, "_CHUNK", 13)
    parts = integer_function(steps, range(-100, 101), where="test")
    assert isinstance(whole, IntervalFunction)
    assert isinstance(parts, IntervalFunction)
    np.testing.assert_array_equal(parts.intervals.values, whole.intervals.values)
    np.testing.assert_array_equal(parts.codes, whole.codes)


def test_too_many_evaluations_are_refused() -> None:
    steps = [Step("multiply", np.linspace(0.1, 1, 64).astype(np.float32)), Step("sigmoid"), Step("round")]
    with pytest.raises(UserError, match=r"\(sigmoid\) is evaluated on every sum, and 16,777,216 sums of 64") as caught:
        integer_function(steps, range(1 << 24), where="node 'q' (Quant)")
    assert caught.value.where == "node 'q' (Quant)"


@pytest.mark.parametrize("last", ["round", "sign", "sign_or_zero", "round_half_up"])
def test_not_a_number_is_refused(last: str) -> None:
    steps = [Step("divide", np.float32(0)), Step(last)]
    with pytest.raises(UserError, match="NaN"):
        integer_function(steps, range(-3, 4), where="node 'q' (Quant)")


def test_billions_of_values_are_searched_not_listed() -> None:
    table = _table([Step("add", np.float32(-(2.0**30))), Step("sign")], range(-(2**31), 2**31, 2))
    assert abs(table.values.item() - 2**30) <= 2**7  # the float32 nearest to a sum of 31 bits


@given(terms=st.integers(1, 50), threshold=st.integers(-60, 60))
def test_counts_decide_as_sums(terms: int, threshold: int) -> None:
    counts = np.arange(terms + 1)
    stored = bipolar_sum_to_count(np.array([threshold]), terms)
    np.testing.assert_array_equal(counts >= stored, 2 * counts - terms >= threshold)
