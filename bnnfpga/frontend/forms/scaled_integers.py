"""Recovering small integers and a scale from float weights."""

from __future__ import annotations

import numpy as np

from bnnfpga.numbers.arithmetic import Floats

_LOWEST, _HIGHEST = -128, 127
_NEAR = 2
"""Tolerance for weights on the grid, in units in the last place of the largest weight."""


def as_scaled_integers(values: Floats, outputs: int = 1) -> tuple[Floats, Floats] | None:
    """Split weights into integers of at most 8 bits and a scale whose product restores them.

    The product is bit-exact or, failing that, within 2 units in the last place of the largest weight: the error of
    weights quantised in float32, such as 2 * round(t * n) / n - 1.

    Parameters
    ----------
    values
        The weights.
    outputs
        The axis of the outputs: 1 for a matrix (inputs, outputs), 0 for a kernel (outputs, inputs, ...).

    Returns
    -------
    tuple or None
        The integers, and the largest possible scale: one for all (shape ()), or one per output (with as many axes as
        the weights). None if there is none, or if `values` has fewer than two axes.
    """
    if values.ndim < 2 or not np.all(np.isfinite(values)):
        return None
    for scale_of in (_scale_of, _scale_near):
        whole = scale_of(values)
        if whole is not None:
            return np.rint(values / np.float32(whole)), np.array(whole, dtype=np.float32)
        separate = [scale_of(weights) for weights in np.moveaxis(values, outputs, 0)]
        if all(scale is not None for scale in separate):
            shape = [-1 if axis == outputs else 1 for axis in range(values.ndim)]
            scales = np.array(separate, dtype=np.float32).reshape(shape)
            return np.rint(values / scales), scales
    return None


def _scale_of(values: Floats) -> float | None:
    sizes = np.unique(np.abs(values))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0
    if len(sizes) > -_LOWEST:
        return None
    for parts in range(1, -_LOWEST + 1):
        first = sizes[0] / np.float32(parts)
        if not first or float(sizes[-1]) > float(first) * (-_LOWEST + 1):
            return None
        # The scale that restores the weights exactly may be a neighbour of the quotient.
        for scale in (first, np.nextafter(first, np.float32(0)), np.nextafter(first, np.float32(np.inf))):
            with np.errstate(all="ignore"):  # the smallest number has zero as its neighbour
                codes = np.rint(values / scale)
            if np.array_equal(codes * scale, values) and codes.min() >= _LOWEST and codes.max() <= _HIGHEST:
                return float(scale)
    return None


def _scale_near(values: Floats) -> float | None:
    """The largest scale of which all weights are approximate multiples."""
    sizes = np.unique(np.abs(values))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0
    # Each multiple occurs as a few neighbouring numbers.
    if len(sizes) > -_LOWEST * (2 * _NEAR + 1):
        return None
    bound = _NEAR * np.spacing(sizes[-1])
    for parts in range(1, -_LOWEST + 1):
        scale = sizes[-1] / np.float32(parts)
        if not scale:
            return None
        codes = np.rint(sizes / scale)
        if np.all(np.abs(codes.astype(np.float64) * scale - sizes) <= bound) and np.all(codes >= 1):
            signed = np.rint(values / scale)
            return float(scale) if signed.min() >= _LOWEST and signed.max() <= _HIGHEST else None
    return None
