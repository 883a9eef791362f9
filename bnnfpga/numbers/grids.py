"""Numbers with different scales on one integer grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

MAX_FACTOR = 256


def common_grid(units: Sequence[float], most: int = MAX_FACTOR) -> tuple[tuple[int, ...], np.float32] | None:
    """The grid on which multiples of several float32 units all lie.

    Parameters
    ----------
    units
        Float32 numbers.
    most
        How often the grid's unit may go into one of them.

    Returns
    -------
    tuple or None
        What one of each unit counts on the grid, and the grid's own unit; None where they have no common unit of which
        each is a small multiple, from 1 to `most`. The ratios are exact.
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
