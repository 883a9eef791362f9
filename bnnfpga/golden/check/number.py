"""A tensor of the file for some images: its values, and how far rounding may have moved them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Truths = NDArray[np.bool_]

ROUNDING = 16 * 2.0**-23
"""How far rounding may move a number, relative to the size of its terms: 16 float32 operations."""
_MIN_NORMAL = 2.0**-126 / ROUNDING
"""The size of terms whose bound is the smallest normal float32; smaller results are subnormal, or flushed to zero."""
EXACT_INTEGERS = 2.0**24 * (1 - 2.0**-12)
"""Float32 has all integers up to 2^24; a little less here, as the sizes compared with it may be rounded."""


@dataclass(frozen=True, eq=False)
class Number:
    """A tensor that depends on the image.

    Parameters
    ----------
    value
        (images, *shape in the file): float64 if the file has floats, else integers or booleans of the file's own type.
    size
        float64, of that shape or with one image for all: the sum of the magnitudes of each value's terms, to which
        rounding errors are relative.
    exact
        Of the shape of `size`, or without axes: whether float32 computes exactly this value, in any order of summation.
    """

    value: Array
    size: Doubles
    exact: Truths

    @classmethod
    def of(cls, array: Array) -> Number:
        """Numbers that have not been rounded yet; those that float32 does not represent are rounded once."""
        if array.dtype.kind != "f":
            return cls(array, np.abs(array.astype(np.float64)), np.array(True))
        value = array.astype(np.float64)
        return cls(value, np.abs(value), representable(value))

    @property
    def bound(self) -> Doubles:
        """How far another order of float32 operations may move each value."""
        return np.where(self.exact, 0.0, ROUNDING * self.size)

    def underflowing(self) -> Number:
        """The same with sizes large enough to cover results that float32 rounds to zero or to few bits."""
        if self.value.dtype.kind != "f" or np.all(self.exact) or np.all(self.size >= _MIN_NORMAL):
            return self
        return Number(self.value, np.maximum(self.size, _MIN_NORMAL), self.exact)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in the file."""
        return self.value.shape[1:]


Operand = Number | Array | None
"""A node's input: a tensor that depends on the image, a constant, or none."""


def representable(value: Doubles) -> Truths:
    """Whether float32 represents each number; a single value without axes if it is the same for all."""
    with np.errstate(over="ignore"):
        return compact(value.astype(np.float32) == value)


def compact(truths: Array) -> Truths:
    """`truths`, without axes if they are all the same."""
    return np.asarray(truths.flat[0]) if truths.size and np.all(truths == truths.flat[0]) else np.asarray(truths)


def granule(array: Array) -> float:
    """The largest power of two that divides all elements, which float32 represents; infinity if all are 0."""
    power = np.inf
    magnitudes = np.abs(array.astype(np.float64)).ravel()
    magnitudes = magnitudes[magnitudes > 0]
    while magnitudes.size:
        mantissa, exponent = np.frexp(magnitudes[0])
        whole = int(mantissa * 2.0**53)
        power = min(power, float(np.ldexp(float(whole & -whole), int(exponent) - 53)))
        # Drop the elements that it divides: nearly always all of them.
        quotients = magnitudes / power
        magnitudes = magnitudes[quotients != np.rint(quotients)]
    return power
