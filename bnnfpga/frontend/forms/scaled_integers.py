"""Whether an array is a scale times small integers."""

from __future__ import annotations

import numpy as np

from bnnfpga.numbers.arithmetic import Floats

_LOWEST, _HIGHEST = -128, 127
_NEAR = 2
"""Units in the last place of the largest weight, up to which others count as on the grid."""


def as_scaled_integers(values: Floats, outputs: int = 1) -> tuple[Floats, Floats] | None:
    """Split weights into integers of at most 8 bits and the scale that gives them back.

    To the bit, or where that cannot be, to 2 units in the last place of the largest: what is left of weights that were
    quantised in float32, as 2 * round(t * n) / n - 1 is.

    Parameters
    ----------
    values
        The weights.
    outputs
        The axis of their outputs: 1 of a matrix (inputs, outputs), 0 of a kernel (outputs, inputs, ...).

    Returns
    -------
    tuple or None
        The integers, and a scale for all of them (shape ()) or for each output (of as many axes as the weights); the
        largest scale that does. None where there is none, and where `values` has fewer than two axes.
    """
    if values.ndim < 2 or not np.all(np.isfinite(values)):
        return None
    for scale_of in (_scale_of, _scale_near):
        whole = scale_of(values)
        if whole is not None:
            return np.rint(values / np.float32(whole)), np.array(whole, dtype=np.float32)
        found = [scale_of(weights) for weights in np.moveaxis(values, outputs, 0)]
        if all(scale is not None for scale in found):
            shape = [-1 if axis == outputs else 1 for axis in range(values.ndim)]
            scales = np.array(found, dtype=np.float32).reshape(shape)
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
        # What divides and multiplies to the same number may be a neighbour of the quotient.
        for scale in (first, np.nextafter(first, np.float32(0)), np.nextafter(first, np.float32(np.inf))):
            with np.errstate(all="ignore"):  # beside the smallest number lies zero
                codes = np.rint(values / scale)
            if np.array_equal(codes * scale, values) and codes.min() >= _LOWEST and codes.max() <= _HIGHEST:
                return float(scale)
    return None


def _scale_near(values: Floats) -> float | None:
    """The largest scale of which all weights are nearly multiples."""
    sizes = np.unique(np.abs(values))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0
    # Each multiple comes in a few neighbouring forms.
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
