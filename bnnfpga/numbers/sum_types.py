"""Integer types of weights, and of the sums of their products."""

from __future__ import annotations

import numpy as np

from bnnfpga.numbers.integers import IntArray, IntegerType


def weight_type(weights: IntArray) -> IntegerType:
    """Bipolar if all weights are -1 or +1, else signed with at least two bits, since one bit means bipolar."""
    if np.all(np.abs(weights) == 1):
        return IntegerType.bipolar()
    return IntegerType(min(int(weights.min()), -1), max(int(weights.max()), 1), "signed")


def dot_product_type(weights: IntArray, inputs: IntegerType, *, padded: bool = False) -> IntegerType:
    """Exact interval of the sums of products.

    Parameters
    ----------
    weights
        int64 (outputs, products per output).
    inputs
        The type of the inputs.
    padded
        Whether inputs may also be a zero pad.
    """
    lo, hi = (min(inputs.lo, 0), max(inputs.hi, 0)) if padded else (inputs.lo, inputs.hi)
    sums = weights.sum(axis=1)
    positive = (np.abs(weights).sum(axis=1) + sums) // 2
    negative = sums - positive
    low, high = positive * lo + negative * hi, positive * hi + negative * lo
    return IntegerType(int(low.min()), int(high.max()), "signed")
