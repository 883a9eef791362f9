"""Integer types of weights, and of the sums of their products."""

from __future__ import annotations

import numpy as np

from bnnfpga.integers import IntArray, IntegerType


def weight_type(weights: IntArray) -> IntegerType:
    """Bipolar where that holds all weights, else signed and of two bits at least: one bit means bipolar."""
    if np.all(np.abs(weights) == 1):
        return IntegerType.bipolar()
    return IntegerType(min(int(weights.min()), -1), max(int(weights.max()), 1), "signed")


def dot_product_type(weights: IntArray, inputs: IntegerType, *, padded: bool = False) -> IntegerType:
    """Exact interval of the sums of products.

    Parameters
    ----------
    weights
        int64 (outputs, products of an output).
    inputs
        What each input can be.
    padded
        Whether any input can be 0 as well.
    """
    ends = [weights * inputs.lo, weights * inputs.hi, *([np.zeros_like(weights)] if padded else [])]
    low, high = np.minimum.reduce(ends).sum(axis=1), np.maximum.reduce(ends).sum(axis=1)
    return IntegerType(int(low.min()), int(high.max()), "signed")
