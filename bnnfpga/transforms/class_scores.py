"""The class without floats: what integer comparison gives the same arg max as the model's final function."""

from __future__ import annotations

import numpy as np

from bnnfpga.errors import UserError
from bnnfpga.golden.steps import apply_steps
from bnnfpga.integers import IntArray
from bnnfpga.transforms.host_functions import HostFunction

_MOST_BITS = 30
"""Fractional bits tried for the constants."""
_MOST_EVALUATED = 1 << 24
"""Scores, over all channels, up to which the function is evaluated on every one."""


def class_comparison(function: HostFunction, values: range) -> tuple[IntArray, IntArray] | None:
    """Integer constants with which `factor * score + offset` compares as the final function does.

    The float function is evaluated on every score that can occur, in every channel; constants are taken only if all
    of these compare the same way, equal ones included.

    Parameters
    ----------
    function
        The final function, from scores to the model's outputs.
    values
        The scores that can occur, ascending.

    Returns
    -------
    tuple or None
        `factors` and `offsets`, int64 (channels,); None where the scores themselves compare so.

    Raises
    ------
    UserError
        If no constants of up to 30 fractional bits do, or there are too many scores to try them on.
    """
    if len(values) * function.size > _MOST_EVALUATED:
        raise UserError(
            f"its scores can take {len(values):,} values each, too many to prove an integer comparison on",
            where="--output class",
            hint="use --output scores: the host computes the class",
        )
    scores = np.array(values)[:, None]
    grid = np.broadcast_to(scores.astype(np.float32), (len(values), function.size))
    outputs = np.broadcast_to(apply_steps(function.steps, grid), grid.shape).astype(np.float64)
    if np.all(outputs == outputs[:, :1]) and np.all(np.diff(outputs[:, 0]) > 0):
        return None
    order = np.argsort(outputs, axis=None, kind="stable")
    rises = np.sign(np.diff(outputs.ravel()[order]))
    slope = (outputs[-1] - outputs[0]) / max(1, int(values[-1] - values[0]))
    offset = outputs[0] - slope * values[0]
    unit = float(np.abs(slope).max()) or 1.0
    for bits in range(_MOST_BITS + 1):
        factors = np.rint(slope / unit * 2**bits).astype(np.int64)
        offsets = np.rint(offset / unit * 2**bits).astype(np.int64)
        compared = (scores * factors + offsets).ravel()[order]
        if np.array_equal(np.sign(np.diff(compared)), rises):
            return factors, offsets
    raise UserError(
        "its final function orders the classes as no integer comparison does",
        where="--output class",
        hint="use --output scores: the host computes the class",
    )
