"""Integers to bits, least significant first: the one place that knows the order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.integers import IntArray


def to_bits(values: IntArray, bits: int) -> NDArray[np.uint8]:
    """Two's complement bits of `values` (any shape), in a new last axis of length `bits`."""
    return ((values[..., None] >> np.arange(bits)) & 1).astype(np.uint8)
