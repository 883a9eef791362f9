"""Packing integers to bits, least significant first: the only place that knows the bit order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntArray

_CODES = tuple(np.dtype(name) for name in ("uint8", "uint16", "uint32", "uint64"))


def to_bits(values: IntArray, bits: int) -> NDArray[np.uint8]:
    """The two's complement bits of `values` (any shape), in a new last axis of length `bits`."""
    # The low bits are the same in the narrowest type with at least `bits` bits; beyond 64, int64 repeats the sign.
    codes = values.astype(next((type for type in _CODES if 8 * type.itemsize >= bits), np.dtype(np.int64)))
    one: NDArray[np.uint8] = ((codes[..., None] >> np.arange(bits, dtype=codes.dtype)) & 1).astype(np.uint8)
    return one
