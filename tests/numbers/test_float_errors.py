"""Bounds of the errors of affine float32 chains, against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.float_errors import BoundedSum

OPERATIONS = ("multiply", "divide", "add", "subtract", "subtract_from")


def test_no_result_is_farther_from_the_real_one_than_the_bound() -> None:
    rng = np.random.default_rng(0)
    tightest = 0.0
    for _ in range(100):
        chains, x = [], []
        for _ in range(2):
            kinds = rng.choice(OPERATIONS, rng.integers(1, 5))
            numbers = (np.exp(rng.normal(size=len(kinds)) * 2) * rng.choice([-1, 1], len(kinds))).astype(np.float32)
            chains.append([Step(str(kind), number.reshape(1)) for kind, number in zip(kinds, numbers, strict=True)])
            x.append(rng.integers(-1000, 1001, 50))
        parts = [BoundedSum.of_integers(1000, i, 2, 1).after(chain) for i, chain in enumerate(chains)]
        bound = parts[0].plus(parts[1])
        floats = [apply_steps(chain, own.astype(np.float32)[:, None]) for chain, own in zip(chains, x, strict=True)]
        result = floats[0] + floats[1]
        for row in range(50):
            real = sum(_exact(chain, int(own[row])) for chain, own in zip(chains, x, strict=True))
            affine = bound.slopes[0, 0] * x[0][row] + bound.slopes[1, 0] * x[1][row] + bound.shift[0]
            error = abs(float(Fraction(float(result[row, 0])) - real))
            assert error <= bound.error[0]
            assert abs(float(real)) <= bound.size[0]
            assert abs(affine - float(real)) <= 1e-6 * bound.error[0] + 1e-14 * bound.size[0]
            tightest = max(tightest, error / bound.error[0])
    assert tightest > 0.1


def test_what_is_not_affine_is_refused() -> None:
    with pytest.raises(ValueError, match="maximum is not affine"):
        BoundedSum.of_integers(3, 0, 1, 1).after([Step("maximum", np.zeros(1, dtype=np.float32))])


def _exact(chain: list[Step], x: int) -> Fraction:
    value = Fraction(x)
    for step in chain:
        assert step.constant is not None
        constant = Fraction(float(step.constant[0]))
        value = {
            "multiply": lambda v, c: v * c,
            "divide": lambda v, c: v / c,
            "add": lambda v, c: v + c,
            "subtract": lambda v, c: v - c,
            "subtract_from": lambda v, c: c - v,
        }[step.operation](value, constant)
    return value
