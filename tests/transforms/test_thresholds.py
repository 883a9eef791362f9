"""Thresholds by evaluation: equal to the chain they replace on every integer that can occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnnfpga.dataflow.thresholds import ThresholdTable, bipolar_sum_to_count
from bnnfpga.errors import UserError
from bnnfpga.golden.steps import Step, apply_steps
from bnnfpga.integers import IntegerType
from bnnfpga.transforms import thresholds as module
from bnnfpga.transforms.thresholds import step_function
from tests.conftest import THOROUGH

CONSTANTS = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-30, -1e-30, 1e30, 0.1, 1 / 3]), st.floats(-100, 100, width=32)
)


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Step], bool]:
    """Affine steps with constants of all signs and sizes, perhaps a rectifier, a quantizer; whether it is bipolar."""
    channels = draw(st.sampled_from([1, 3]))
    steps = []
    for _ in range(draw(st.integers(0, 4))):
        operation = draw(st.sampled_from(["add", "subtract", "multiply", "divide"]))
        values = draw(st.lists(CONSTANTS, min_size=channels, max_size=channels))
        if operation == "divide":
            values = [value if abs(value) > 1e-3 else 0.7 for value in values]
        steps.append(Step(operation, np.asarray(values, np.float32)))
    if draw(st.booleans()):
        steps.append(Step("maximum", np.float32(0)))
    if draw(st.booleans()):
        return [*steps, Step("sign")], True
    bits = draw(st.integers(1, 4))
    scale = np.float32(draw(st.sampled_from([1.0, 0.25, 0.1, 3.7])))
    lo = draw(st.sampled_from([0, -(2 ** (bits - 1))]))
    steps += [
        Step("divide", scale),
        Step("maximum", np.float32(lo)),
        Step("minimum", np.float32(lo + 2**bits - 1)),
        Step(draw(st.sampled_from(["round", "floor", "ceil"]))),
    ]
    return steps, False


@st.composite
def reachable(draw: st.DrawFn) -> range:
    lo = draw(st.integers(-60, 60))
    return range(lo, lo + draw(st.integers(1, 120)), draw(st.sampled_from([1, 2])))


def _codes_as_floats(steps: list[Step], values: range | np.ndarray) -> np.ndarray:
    return apply_steps(steps, np.array(values)[:, None].astype(np.float32))


def _codes(steps: list[Step], values: range) -> np.ndarray:
    return _codes_as_floats(steps, values).astype(np.int64)


def _table(steps: list[Step], values: range, bipolar: bool) -> ThresholdTable:
    thresholds, decreasing, lo, hi = step_function(steps, values, bipolar=bipolar, where="test")
    output = IntegerType.bipolar() if bipolar else IntegerType.interval(lo, hi)
    return ThresholdTable(thresholds, decreasing, output)


@settings(max_examples=10_000 if THOROUGH else 400, deadline=None)
@given(chain=chains(), values=reachable())
def test_equals_its_chain(chain: tuple[list[Step], bool], values: range) -> None:
    steps, bipolar = chain
    assume(np.all(np.isfinite(_codes_as_floats(steps, values))))  # what overflows is refused, as tested below
    table = _table(steps, values, bipolar)
    channels = len(table.values)
    expected = np.broadcast_to(_codes(steps, values), (len(values), channels))
    np.testing.assert_array_equal(table.execute(np.broadcast_to(np.array(values)[:, None], expected.shape)), expected)
    assert table.values.min() >= values[0]
    assert table.values.max() <= values[-1] + 1


@settings(max_examples=200, deadline=None)
@given(chain=chains(), values=reachable())
def test_bisection_equals_evaluation(chain: tuple[list[Step], bool], values: range) -> None:
    steps, bipolar = chain
    assume(np.all(np.isfinite(_codes_as_floats(steps, values))))
    by_table = _table(steps, values, bipolar)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_EVALUATED", 0)
        by_bisection = _table(steps, values, bipolar)
    np.testing.assert_array_equal(by_table.values, by_bisection.values)
    np.testing.assert_array_equal(by_table.decreasing, by_bisection.decreasing)


def test_directions_and_constants() -> None:
    steps = [
        Step("multiply", np.array([1, -1, 0, 0], np.float32)),
        Step("add", np.array([0.5, 0.5, 1, -1], np.float32)),
    ]
    table = _table([*steps, Step("sign")], range(-4, 5), True)
    assert table.decreasing.tolist() == [False, True, False, False]
    # Constant channels get the ends of the range: always reached, or never.
    assert table.values[:, 0].tolist() == [0, 1, -4, 5]


def test_a_function_that_turns_is_refused() -> None:
    steps = [Step("add", np.float32(0.5)), Step("divide_into", np.float32(1)), Step("round")]
    with pytest.raises(UserError, match="neither rises nor falls") as caught:
        step_function(steps, range(-3, 4), bipolar=False, where="node 'q' (Quant)")
    assert caught.value.where == "node 'q' (Quant)"


@pytest.mark.parametrize("last", ["round", "sign"])
def test_not_a_number_is_refused(last: str) -> None:
    steps = [Step("divide", np.float32(0)), Step(last)]
    with pytest.raises(UserError, match="NaN"):
        step_function(steps, range(-3, 4), bipolar=last == "sign", where="node 'q' (Quant)")


def test_billions_of_values_are_searched_not_listed() -> None:
    table = _table([Step("add", np.float32(-(2.0**30))), Step("sign")], range(-(2**31), 2**31, 2), True)
    assert abs(table.values.item() - 2**30) <= 2**7  # the float32 nearest to a sum of 31 bits


@given(terms=st.integers(1, 50), threshold=st.integers(-60, 60))
def test_counts_decide_as_sums(terms: int, threshold: int) -> None:
    counts = np.arange(terms + 1)
    stored = bipolar_sum_to_count(np.array([threshold]), terms)
    np.testing.assert_array_equal(counts >= stored, 2 * counts - terms >= threshold)
