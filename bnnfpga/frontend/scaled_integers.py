"""Whether an array is a scale times small integers."""

from __future__ import annotations

import numpy as np

from bnnfpga.arithmetic import Floats

_LOWEST, _HIGHEST = -128, 127


def as_scaled_integers(values: Floats) -> tuple[Floats, Floats] | None:
    """Split a matrix (inputs, outputs) into integers of at most 8 bits and the scale that gives it back to the bit.

    Returns
    -------
    tuple or None
        The integers, and a scale for the whole matrix (shape ()) or for each output (shape (1, outputs)); the largest
        scale that does. None where there is none, and where `values` is no matrix.
    """
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        return None
    whole = _scale_of(values)
    columns = [whole] if whole is not None else [_scale_of(column) for column in values.T]
    if any(scale is None for scale in columns):
        return None
    scales = np.array([columns], dtype=np.float32) if whole is None else np.array(whole, dtype=np.float32)
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
