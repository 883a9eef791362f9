"""A tensor of the file for a few images: its values, and what rounding may have done to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Truths = NDArray[np.bool_]

ROUNDING = 16 * 2.0**-23
"""Part of its terms' size by which rounding may move a number: 16 float32 operations."""
_MIN_NORMAL = 2.0**-126 / ROUNDING
"""The size of terms below which float32 has no numbers, or other ones on processors that flush them to zero."""
EXACT_INTEGERS = 2.0**24 * (1 - 2.0**-12)
"""Up to 2^24 float32 has all integers; a little less, since the sizes that are compared with it may be rounded."""


@dataclass(frozen=True, eq=False)
class Number:
    """A tensor that depends on the image.

    Parameters
    ----------
    value
        (images, *shape in the file): float64 where the file has floats, else integers or truths of the file's own type.
    size
        float64, of that shape or with one image for all: the sum of the magnitudes of the terms that each value is
        made of, which rounding is relative to.
    exact
        Of the shape of `size`, or without axes: whether float32 has exactly this value, in whatever order it sums.
    """

    value: Array
    size: Doubles
    exact: Truths

    @classmethod
    def of(cls, array: Array) -> Number:
        """Numbers that nothing has rounded yet; floats that float32 does not have, it rounds once."""
        if array.dtype.kind != "f":
            return cls(array, np.abs(array.astype(np.float64)), np.array(True))
        value = array.astype(np.float64)
        return cls(value, np.abs(value), representable(value))

    @property
    def bound(self) -> Doubles:
        """By how much another order of float32 operations may move each value."""
        return np.where(self.exact, 0.0, ROUNDING * self.size)

    def underflowing(self) -> Number:
        """The same, its sizes no smaller than those of which float32 rounds the results to zero or to few bits."""
        if self.value.dtype.kind != "f" or np.all(self.exact) or np.all(self.size >= _MIN_NORMAL):
            return self
        return Number(self.value, np.maximum(self.size, _MIN_NORMAL), self.exact)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in the file."""
        return self.value.shape[1:]


def representable(value: Doubles) -> Truths:
    """Which numbers float32 has; one value without axes where it is the same for all."""
    with np.errstate(over="ignore"):
        return compact(value.astype(np.float32) == value)


def compact(truths: Array) -> Truths:
    """`truths` without axes where they are all the same."""
    return np.asarray(truths.flat[0]) if truths.size and np.all(truths == truths.flat[0]) else np.asarray(truths)


def granule(array: Array) -> float:
    """The largest power of two that divides all elements, each of which float32 has; infinity where all are 0."""
    found = np.inf
    magnitudes = np.abs(array.astype(np.float64)).ravel()
    magnitudes = magnitudes[magnitudes > 0]
    while magnitudes.size:
        mantissa, exponent = np.frexp(magnitudes[0])
        whole = int(mantissa * 2.0**53)
        found = min(found, float(np.ldexp(float(whole & -whole), int(exponent) - 53)))
        # What this one divides needs no other look, and nearly always that is all.
        quotients = magnitudes / found
        magnitudes = magnitudes[quotients != np.rint(quotients)]
    return found
