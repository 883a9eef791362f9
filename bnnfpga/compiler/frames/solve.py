"""Solving for operands that bring dot products to prescribed sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.compiler.frames.patterns import draw
from bnnfpga.numbers.integers import IntArray, IntegerType

_TRIES = 4
_MAX_MOVES = 100
_PAIRS = 512
"""Pairs of moves to try if no single one helps."""


def solve(
    weights: IntArray,
    type: IntegerType,
    thresholds: IntArray,
    below: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Operands whose sums are the least possible values at or above thresholds, or the greatest below; or nearly so.

    A single sum is reached greedily, several together by moves that reduce the distance of all.

    Parameters
    ----------
    weights
        int64 (sums, operands).
    type
        The type of the operands.
    thresholds, below
        For each sum its threshold, and whether it is to lie below.
    rng
        Source of random numbers.

    Returns
    -------
    int64 (operands,), bool (sums,)
        Operands of the type, and which sums reached their goal.
    """
    # All possible values of a sum differ by multiples of a step.
    steps = np.gcd.reduce(weights, axis=1) * (2 if type.is_bipolar else 1)
    possible = steps > 0
    weights, thresholds, below, steps = (array[possible] for array in (weights, thresholds, below, steps))
    reached = np.zeros(len(possible), dtype=bool)
    for _ in range(_TRIES if len(weights) == 1 else 1):
        x = draw(type, weights.shape[1:], rng)
        distances = -((weights @ x - thresholds) // steps) * steps - steps * below
        goals = weights @ x + distances
        if len(weights) == 1:
            _one(weights[0], type, int(distances[0]), x, rng)
        elif len(weights):
            _several(weights, type, distances, x, rng)
        reached[possible] = weights @ x == goals
        if np.all(reached[possible]):
            break
    return x, reached


def _one(weights: IntArray, type: IntegerType, distance: int, x: IntArray, rng: np.random.Generator) -> None:
    """Change operands in random order, each as far as possible, until their sum has moved by `distance`."""
    unit = 2 if type.is_bipolar else 1
    order = rng.permutation(len(weights))
    while distance:
        sign = int(np.sign(distance))
        # How many units each operand can move that way, and how much a unit changes the sum.
        room = np.where(weights[order] * sign > 0, type.hi - x[order], x[order] - type.lo) // unit
        each = np.abs(weights[order]) * unit
        usable = (room > 0) & (each > 0) & (each <= abs(distance))
        if not np.any(usable):
            return
        chosen, room, each = order[usable], room[usable], each[usable]
        before = np.cumsum(room * each) - room * each
        moved = np.minimum(room, np.maximum(abs(distance) - before, 0) // each)
        x[chosen] += sign * np.sign(weights[chosen]) * moved * unit
        distance -= sign * int((moved * each).sum())


def _several(weights: IntArray, type: IntegerType, distances: IntArray, x: IntArray, rng: np.random.Generator) -> None:
    """Repeatedly make the move of one operand, or else of a pair, that brings the sums nearest to their goals.

    Distance is a sum of squares, so that one product of a matrix and a vector gives it for all moves.
    """
    sizes = [2] if type.is_bipolar else [size for size in (1, 4, 16, 64, 256) if size <= type.hi - type.lo]
    moves = np.array([sign * size for size in sizes for sign in (1, -1)])[:, None]
    columns = np.ascontiguousarray(weights.T, dtype=np.float64)
    lengths = moves**2 * np.square(columns).sum(axis=1)
    left = distances.astype(np.float64)
    for _ in range(_MAX_MOVES):
        if not np.any(left):
            return
        gains = lengths - 2 * moves * (columns @ left)
        gains[(x + moves > type.hi) | (x + moves < type.lo)] = np.inf
        best = [int(np.argmin(gains))]
        if gains.flat[best[0]] >= 0:
            pairs = rng.integers(0, gains.size, (2, _PAIRS))
            move, operand = np.divmod(pairs, len(x))
            both = gains.flat[pairs[0]] + gains.flat[pairs[1]]
            size = moves[move, 0]
            both += 2 * size[0] * size[1] * np.einsum("ij,ij->i", columns[operand[0]], columns[operand[1]])
            both[operand[0] == operand[1]] = np.inf
            pair = int(np.argmin(both))
            # A pair that gains nothing is accepted as well: it enables other moves.
            if both[pair] > 0:
                return
            best = pairs[:, pair].tolist()
        for index in best:
            row, column = divmod(index, len(x))
            x[column] += moves[row, 0]
            left -= moves[row, 0] * columns[column]
