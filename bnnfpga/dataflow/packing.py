"""Integers to bits, least significant first: the one place that knows the order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.integers import IntArray

_CODES = (np.uint8, np.uint16, np.uint32, np.uint64)


def to_bits(values: IntArray, bits: int) -> NDArray[np.uint8]:
    """Two's complement bits of `values` (any shape), in a new last axis of length `bits`."""
    # The lowest bits are the same in the narrowest type that has so many.
    codes = values.astype(next(type for type in _CODES if 8 * np.dtype(type).itemsize >= bits))
    return ((codes[..., None] >> np.arange(bits, dtype=codes.dtype)) & 1).astype(np.uint8)
