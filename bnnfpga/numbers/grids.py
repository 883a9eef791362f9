"""A common integer grid for numbers of different scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

MAX_FACTOR = 256


def common_grid(units: Sequence[float], most: int = MAX_FACTOR) -> tuple[tuple[int, ...], np.float32] | None:
    """The coarsest grid that contains all multiples of several float32 units.

    Parameters
    ----------
    units
        Float32 numbers.
    most
        The largest allowed ratio of a unit to the grid's unit.

    Returns
    -------
    tuple or None
        Each unit as an integer multiple (1 to `most`) of the grid's unit, and that unit; None if there is no such
        grid. The ratios are exact.
    """
    if min(units) <= 0:
        return None
    exact = [Fraction(float(unit)) for unit in units]
    denominator = math.prod(unit.denominator for unit in exact)
    common = Fraction(math.gcd(*(int(unit * denominator) for unit in exact)), denominator)
    factors = tuple(int(unit / common) for unit in exact)
    if max(factors) > most:
        return None
    return factors, np.float32(float(common))
