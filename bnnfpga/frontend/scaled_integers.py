"""Whether an array is a scale times small integers."""

from __future__ import annotations

import numpy as np

from bnnfpga.arithmetic import Floats

_LOWEST, _HIGHEST = -128, 127


def as_scaled_integers(values: Floats, outputs: int = 1) -> tuple[Floats, Floats] | None:
    """Split weights into integers of at most 8 bits and the scale that gives them back to the bit.

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
    whole = _scale_of(values)
    if whole is not None:
        scales = np.array(whole, dtype=np.float32)
    else:
        found = [_scale_of(weights) for weights in np.moveaxis(values, outputs, 0)]
        if any(scale is None for scale in found):
            return None
        shape = [-1 if axis == outputs else 1 for axis in range(values.ndim)]
        scales = np.array(found, dtype=np.float32).reshape(shape)
    return np.rint(values / scales), scales


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
