"""Exact integer arrays in the narrowest types, and exact sums of products in the fastest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntegerType

Integers = NDArray[np.integer[Any]]
"""Integers in any of numpy's types that holds them."""

_BLOCK = 1 << 20
"""Numbers per block: few enough for the caches, enough for BLAS."""
_TYPES = tuple(np.dtype(name) for name in ("int8", "uint8", "int16", "uint16", "int32", "int64"))


def narrowest(*numbers: int) -> np.dtype[Any]:
    """The narrowest numpy type that holds all of these integers; int64 where none does."""
    low, high = min(numbers), max(numbers)
    return next((type for type in _TYPES if np.iinfo(type).min <= low and high <= np.iinfo(type).max), _TYPES[-1])


def narrowed(values: Integers, type: IntegerType) -> Integers:
    """Integers in the narrowest numpy type for an element type; unchanged if some lie outside it."""
    if values.size and (values.min() < type.lo or values.max() > type.hi):
        return values
    return values.astype(narrowest(type.lo, type.hi), copy=False)


def sum_type(largest: int) -> np.dtype[Any]:
    """The fastest numpy type in which sums of products are exact, in whatever order they are added.

    BLAS handles floats only; these are exact while no partial sum exceeds 2^24 (float32) or 2^53 (float64).

    Parameters
    ----------
    largest
        A bound on the magnitude of all partial sums.
    """
    if largest < 1 << 24:
        return np.dtype(np.float32)
    return np.dtype(np.float64 if largest < 1 << 53 else np.int64)


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices of consecutive rows of at most a block's numbers each; a row has `width` numbers."""
    step = max(1, _BLOCK // max(1, width))
    for first in range(0, rows, step):
        yield slice(first, first + step)
