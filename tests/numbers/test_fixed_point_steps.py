"""Fixed-point steps: found where they exist, equal to the thresholds for every integer, and as small as possible."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnfpga.numbers.fixed_point_steps import FixedPointSteps, fixed_point_steps
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from tests.support.step_tables import rounded_table, step_table


def counts(table: ThresholdTable, domain: IntegerType) -> IntArray:
    """By definition: thresholds at most x, or above it in decreasing channels; (integers, channels)."""
    x = np.arange(domain.lo, domain.hi + 1)[:, None, None]
    return ((x >= table.values) != table.decreasing[:, None]).sum(axis=-1)


def check(steps: FixedPointSteps, table: ThresholdTable, domain: IntegerType) -> None:
    x = np.arange(domain.lo, domain.hi + 1)[:, None]
    np.testing.assert_array_equal(steps.execute(x), counts(table, domain))
    sums = steps.factors * x + steps.offsets
    assert steps.sum_type.holds(sums).all()


@st.composite
def domains(draw: st.DrawFn) -> IntegerType:
    lo = draw(st.integers(-300, 300))
    return IntegerType.interval(lo, lo + draw(st.integers(0, 400)))


@st.composite
def any_tables(draw: st.DrawFn) -> tuple[ThresholdTable, IntegerType]:
    """Few levels of any channels: equal ones, constant and decreasing channels among them."""
    domain = draw(domains())
    channels, levels = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    values = np.array(
        [sorted(draw(st.integers(domain.lo, domain.hi + 1)) for _ in range(levels)) for _ in range(channels)]
    )
    falls = np.array([draw(st.booleans()) for _ in range(channels)])
    return ThresholdTable(values, falls, IntegerType.interval(0, levels)), domain


@given(any_tables())
def test_what_is_found_equals_the_table(case: tuple[ThresholdTable, IntegerType]) -> None:
    table, domain = case
    steps = fixed_point_steps(table, domain)
    if steps is not None:
        check(steps, table, domain)


@given(any_tables())
def test_two_levels_always_have_a_form(case: tuple[ThresholdTable, IntegerType]) -> None:
    """Any two points of a staircase lie on a line."""
    table, domain = case
    table = ThresholdTable(table.values[:, [0, -1]], table.decreasing, IntegerType.interval(0, 2))
    steps = fixed_point_steps(table, domain)
    assert steps is not None
    check(steps, table, domain)


@given(
    domains(),
    st.lists(st.tuples(st.integers(-40, 40), st.integers(-900, 900)), min_size=1, max_size=4),
    st.integers(0, 6),
    st.sampled_from([None, 0, 1]),
    st.integers(2, 40),
)
def test_what_exists_is_found_with_the_smallest_shift(
    domain: IntegerType, channels: list[tuple[int, int]], shift: int, tie: int | None, levels: int
) -> None:
    factors, offsets = np.array(channels).T
    made = FixedPointSteps(factors, offsets, shift, tie, levels, domain)
    x = np.arange(domain.lo, domain.hi + 1)[:, None]
    table = step_table(made.execute(x), domain.lo, IntegerType.interval(0, levels))
    steps = fixed_point_steps(table, domain)
    assert steps is not None
    check(steps, table, domain)
    if steps.tie == tie:
        assert steps.shift <= shift
    assert steps.tie is None or tie is not None


def test_no_smaller_shift_has_a_form() -> None:
    """Against a search over all factors and offsets."""
    rng = np.random.default_rng(0)
    domain, x = IntegerType.interval(-4, 5), np.arange(-4, 6)
    shifts = []
    for _ in range(20):
        table = rounded_table(rng.normal(0, 0.7, 1), rng.normal(2, 1, 1), domain, IntegerType.interval(0, 3))
        steps = fixed_point_steps(table, domain)
        assert steps is not None
        shifts.append(steps.shift)
        for shift in range(steps.shift):
            factors = np.arange(-4 << shift, (4 << shift) + 1)[:, None, None]
            offsets = np.arange(-20 << shift, 20 << shift)[:, None]
            found = np.clip(factors * x + offsets >> shift, 0, 3)
            assert not (found == counts(table, domain)[:, 0]).all(axis=-1).any()
    assert max(shifts) >= 3


@pytest.mark.parametrize("lo", [-128, -127, 0])
@pytest.mark.parametrize("exponent", [-1, -3, -6])
def test_powers_of_two_need_the_tie_bit(lo: int, exponent: int) -> None:
    domain = IntegerType.interval(-1000, 1000)
    output = IntegerType.interval(lo, lo + 255)
    steps = fixed_point_steps(rounded_table([2.0**exponent] * 3, [0, 0.5, 3], domain, output), domain)
    assert steps is not None
    assert (steps.tie, steps.shift) == (lo % 2, -exponent)
    assert steps.factors.tolist() == [1, 1, 1]
    other = replace(steps, tie=1 - lo % 2)
    assert not other.equals(rounded_table([2.0**exponent] * 3, [0, 0.5, 3], domain, output))


def test_what_is_not_affine_has_no_form() -> None:
    domain = IntegerType.interval(-500, 500)
    x = np.arange(-500, 501)[:, None]
    leaky = np.where(x < 0, x // 8, x // 2)
    for function in (100 * np.tanh(x / 200), leaky):
        table = step_table(np.rint(function).astype(np.int64), -500, IntegerType.interval(-100, 100))
        assert fixed_point_steps(table, domain) is None


@pytest.mark.parametrize(("bits", "factor_bits"), [(18, 25), (25, 18), (26, 0)])
@pytest.mark.parametrize("falls", [False, True])
def test_integers_of_any_width(bits: int, factor_bits: int, falls: bool) -> None:
    """A DSP slice multiplies 25 by 18 bits: wider integers have narrower factors, or none."""
    domain = IntegerType.interval(-(1 << bits - 1), (1 << bits - 1) - 1)
    found = []
    for seed in range(10):
        values = np.sort(np.random.default_rng(seed).integers(-999, 999, (1, 2)), axis=1)
        table = ThresholdTable(values, np.array([falls]), IntegerType.interval(0, 2))
        steps = fixed_point_steps(table, domain)
        found.append(steps is not None)
        if steps is not None:
            assert steps.factor_type.bits <= factor_bits
            x = np.array([[domain.lo], *(values[0] - 1)[:, None], *values[0][:, None], [domain.hi]])
            np.testing.assert_array_equal(steps.execute(x)[:, 0], ((x >= values[0]) != falls).sum(axis=1))
    assert all(found) if factor_bits else not any(found)


def test_many_channels_take_no_time() -> None:
    rng = np.random.default_rng(0)
    domain, output = IntegerType.interval(-2304, 2304), IntegerType.interval(-128, 127)
    scales = (rng.normal(1, 0.3, 512) * rng.choice([-1, 1], 512) / 9).astype(np.float32)
    biases = rng.normal(0, 9, 512).astype(np.float32)
    table = rounded_table(scales, biases, domain, output)
    started = time.process_time()
    steps = fixed_point_steps(table, domain)
    assert time.process_time() - started < 1.5
    assert steps is not None
    x = np.arange(-2304, 2305)[:, None]
    np.testing.assert_array_equal(
        steps.execute(x) - 128, np.clip(np.rint(x.astype(np.float32) * scales + biases), -128, 127)
    )
