"""Float images for prescribed codes: the inverse of the host's input function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps
from bnnfpga.numbers.integers import IntArray, IntegerType

Position = Literal["inside", "ends"]
"""Where a float lies within its code's interval: anywhere, or at one of the two ends."""
_FARTHEST = np.float32(2.0**60)
"""Bound of the search: products of greater numbers overflow."""
_MIN_NORMAL = np.finfo(np.float32).tiny
"""Runtimes may flush smaller numbers to zero."""


def floats_of(
    steps: Sequence[Step], codes: IntArray, type: IntegerType, position: Position, rng: np.random.Generator
) -> Floats:
    """Floats that steps ending in a quantizer map to these codes, where such floats exist.

    Parameters
    ----------
    steps
        The host's input function, on frames as vectors. Each element's function should be monotone; otherwise its
        floats are arbitrary.
    codes
        int64 (frames, elements), of the type.
    position
        Where in its interval a float lies.
    rng
        Source of random numbers.
    """
    step = 2 if type.is_bipolar else 1
    count = (type.hi - type.lo) // step + 1
    keys, inverse = np.unique(_rows(steps, codes.shape[1]) * count + (codes - type.lo) // step, return_inverse=True)
    row, index = np.divmod(keys, count)
    # The edges of the intervals of these codes, and the outermost edges of all codes.
    needed = [row * count + edge for edge in (np.maximum(index, 1), np.minimum(index + 1, count - 1), 1, count - 1)]
    edges = np.unique(np.concatenate(needed))
    edge_row, edge_index = np.divmod(edges, count)
    values = _edge(steps, edge_row, _direction(steps, edge_row), type.lo + step * edge_index)
    lowest, following, first, last = (values[np.searchsorted(edges, keys)] for keys in needed)
    # The outermost codes' intervals are open at one end: they are extended by the width of the range.
    width = np.maximum(np.abs(last - first), np.float32(1))
    low = np.where(index == 0, first - width, lowest)
    high = np.where(index == count - 1, last + width, _below(following))
    direction = _direction(steps, row)
    low, high = (end[inverse.reshape(codes.shape)].astype(np.float32) for end in (low, high))
    part = rng.integers(0, 2, codes.shape) if position == "ends" else rng.random(codes.shape)
    x = np.where(part == 1, high, np.where(part == 0, low, low + (high - low) * part)).astype(np.float32)
    signed: Floats = x * direction[inverse.reshape(codes.shape)]
    return signed


def _rows(steps: Sequence[Step], elements: int) -> IntArray:
    """For each element, the index of its function among the different ones."""
    constants = [
        leaf.constant.reshape(elements, -1)
        for step in steps
        for leaf in step.leaves()
        if leaf.constant is not None and leaf.rows == elements > 1
    ]
    if not constants:
        return np.zeros(elements, dtype=np.int64)
    # The index of the first element with the same constants.
    packed = np.ascontiguousarray(np.concatenate(constants, axis=1))
    as_bytes = packed.view(np.dtype((np.void, packed.dtype.itemsize * packed.shape[1]))).reshape(-1)
    _, first, inverse = np.unique(as_bytes, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.int64)


def _apply(steps: Sequence[Step], row: IntArray, x: Floats) -> Floats:
    """Apply the functions `row` to one value each."""

    def chosen(leaf: Step) -> Step:
        assert leaf.constant is not None
        levels = leaf.constant.shape[-1:] if leaf.operation in ("count", "entry") else ()
        constant = leaf.constant.reshape(-1, *levels)
        return leaf.with_constant(constant[row if len(constant) > 1 else np.zeros_like(row)])

    return apply_steps([step.each(chosen) for step in steps], x)


def _direction(steps: Sequence[Step], row: IntArray) -> Floats:
    """-1 for decreasing functions, else +1."""
    ends = [_apply(steps, row, np.full(len(row), end, dtype=np.float32)) for end in (-_FARTHEST, _FARTHEST)]
    return np.where(ends[0] > ends[1], np.float32(-1), np.float32(1))


def _edge(steps: Sequence[Step], row: IntArray, direction: Floats, code: IntArray) -> Floats:
    """The smallest float (times the direction) for which a function gives at least `code`, by bisection."""
    below = np.full(len(row), _rank(-_FARTHEST), dtype=np.int64)
    above = np.full(len(row), _rank(_FARTHEST), dtype=np.int64)
    while np.any(above - below > 1):
        middle = (below + above) >> 1
        reached = _apply(steps, row, _at(middle) * direction) >= code
        above, below = np.where(reached, middle, above), np.where(reached, below, middle)
    return _normal(_at(above))


def _rank(x: np.float32) -> int:
    """The rank of a float among all floats in ascending order, 0 for zero."""
    bits = int(np.abs(x).view(np.int32))
    return -bits if x < 0 else bits


def _at(ranks: NDArray[np.int64]) -> Floats:
    """The inverse of `_rank`."""
    size = np.abs(ranks).astype(np.int32).view(np.float32)
    return np.where(ranks < 0, -size, size)


def _below(x: Floats) -> Floats:
    return _normal(np.nextafter(x, np.float32(-np.inf)), down=True)


def _normal(x: Floats, *, down: bool = False) -> Floats:
    """Replace denormal numbers by the next normal one on the same side of a step."""
    away = np.where(x < 0, -_MIN_NORMAL if down else np.float32(0), np.float32(0) if down else _MIN_NORMAL)
    return np.where((x != 0) & (np.abs(x) < _MIN_NORMAL), away, x)
