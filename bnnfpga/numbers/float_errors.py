"""Affine chains of float32 operations as real functions, with bounds of their rounding errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bnnfpga.numbers.arithmetic import Step
from bnnfpga.numbers.float_functions import Doubles

_HALF_ULP = 2.0**-24
"""Largest relative error of a float32 operation on normal numbers, rounded to nearest."""
_SMALLEST = 2.0**-149
"""Above the largest error of a result that is not normal."""
_DOUBLE_ERRORS = 1 + 2.0**-20
"""Makes up for the float64 operations by which a bound is computed."""


@dataclass(frozen=True, eq=False)
class BoundedSum:
    """A float32 tensor that is near `slopes[0, c] * x0 + slopes[1, c] * x1 + ... + shift[c]`.

    Parameters
    ----------
    slopes
        float64 (streams, channels).
    shift
        float64 (channels,).
    size
        float64 (channels,): bounds the magnitude of that sum.
    error
        float64 (channels,): bounds the distance of the tensor from it.
    """

    slopes: Doubles
    shift: Doubles
    size: Doubles
    error: Doubles

    @classmethod
    def of_integers(cls, largest: int, stream: int, streams: int, channels: int) -> BoundedSum:
        """Integers of one of several streams, exact in float32, of at most this magnitude."""
        slopes = np.zeros((streams, channels))
        slopes[stream] = 1
        return cls(slopes, np.zeros(channels), np.full(channels, float(largest)), np.zeros(channels))

    def after(self, steps: Iterable[Step]) -> BoundedSum:
        """The tensor after affine steps, whose constants have one number or one per channel.

        Raises
        ------
        ValueError
            If a step is not affine.
        """
        value = self
        for step in steps:
            value = value._after(step)
        return value

    def plus(self, other: BoundedSum, sign: int = 1) -> BoundedSum:
        """The float32 sum of two tensors, or their difference."""
        return BoundedSum(
            self.slopes + sign * other.slopes,
            self.shift + sign * other.shift,
            self.size + other.size,
            self.error + other.error,
        )._rounded()

    def _after(self, step: Step) -> BoundedSum:
        constant = np.ones(1) if step.constant is None else step.constant.astype(np.float64).reshape(-1)
        if step.operation in ("multiply", "divide"):
            factor = constant if step.operation == "multiply" else 1 / constant
            return self._times(factor)._rounded()
        signs = {"add": (1, 1), "subtract": (1, -1), "subtract_from": (-1, 1)}
        if step.operation not in signs:
            raise ValueError(f"{step.operation} is not affine")
        own, of_constant = signs[step.operation]
        turned = self._times(np.full(1, float(own)))
        shift, size = turned.shift + of_constant * constant, self.size + np.abs(constant)
        return BoundedSum(turned.slopes, shift, size, self.error)._rounded()

    def _times(self, factor: Doubles) -> BoundedSum:
        magnitude = np.abs(factor)
        return BoundedSum(self.slopes * factor, self.shift * factor, self.size * magnitude, self.error * magnitude)

    def _rounded(self) -> BoundedSum:
        error = (self.error + (self.size + self.error) * _HALF_ULP) * _DOUBLE_ERRORS + _SMALLEST
        return BoundedSum(self.slopes, self.shift, self.size * _DOUBLE_ERRORS, error)
