"""Frames in which sums of the first layer come to a threshold, and to the nearest value below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.frames.patterns import draw
from bnnfpga.frames.units import Receptive
from bnnfpga.integers import IntArray, IntegerType

_MOST_WINDOWS = 128
"""Windows of a frame that get their own operands; the others are random."""
_TRIES = 3
_MOST_LISTED = 1 << 20
"""Results of an elementwise unit up to which they are listed, to find what gives each."""


@dataclass(frozen=True)
class Target:
    """Where a sum is to come: to a threshold of a channel, or as little below it as can be."""

    channel: int
    level: int
    below: bool


def frame_with(
    layer: Receptive, type: IntegerType, elements: int, targets: Iterator[Target], rng: np.random.Generator
) -> IntArray:
    """A frame for as many of the targets as it has windows that share no element.

    Parameters
    ----------
    layer
        The layer whose sums are meant.
    type, elements
        The input's codes, and how many of them a frame has.
    targets
        As many are taken as there are windows for.
    rng
        Where random numbers come from.

    Returns
    -------
    int64 (elements,)
        The input's stream.
    """
    inverse = _Inverse.of(layer.between) if layer.between is not None else None
    values = draw(layer.operator.input_type, (elements,), rng)
    taken = np.zeros(elements, dtype=bool)
    windows = 0
    for position in rng.permutation(len(layer.places)):
        if np.any(taken[_inside(layer.places[position])]):
            continue
        target = next(targets, None)
        if target is None or windows == _MOST_WINDOWS:
            break
        windows += 1
        _place(layer, int(position), target, values, rng)
        taken[_inside(layer.places[position])] = True
    return values if inverse is None else inverse.codes(values, type, rng)


def _inside(places: IntArray) -> IntArray:
    return places[places >= 0]


def _place(layer: Receptive, position: int, target: Target, values: IntArray, rng: np.random.Generator) -> None:
    """Change the operands of a window in place."""
    places, weights = layer.operands(position, target.channel)
    threshold = int(layer.table.values[target.channel, target.level])
    inside = places >= 0
    fixed = int((weights[~inside] * layer.fills[-1 - places[~inside]]).sum())
    # An element that a window has twice, which only a repeated channel can be, counts with both weights.
    own, index = np.unique(places[inside], return_inverse=True)
    total = np.zeros(len(own), dtype=np.int64)
    np.add.at(total, index.reshape(-1), weights[inside])
    for _ in range(_TRIES):
        found, exact = solve(total, layer.operator.input_type, threshold - fixed, target.below, rng)
        values[own] = found
        if exact:
            return


def solve(
    weights: IntArray, type: IntegerType, threshold: int, below: bool, rng: np.random.Generator
) -> tuple[IntArray, bool]:
    """Operands whose sum with weights is the least that can be from a threshold on, or the greatest below it.

    Found greedily, from random operands, with random ones changed; and whether they were found.
    """
    x = draw(type, weights.shape, rng)
    step = int(np.gcd.reduce(weights)) * (2 if type.is_bipolar else 1) if len(weights) else 0
    if step == 0:
        return x, False
    # Sums are what the first one is, plus multiples of the step.
    distance = -((int(weights @ x) - threshold) // step) * step - step * below
    order = rng.permutation(len(weights))
    while distance:
        w = weights[order] * np.sign(distance)
        # How far each operand can go that way, in steps of its weight.
        room = np.where(w > 0, type.hi - x[order], x[order] - type.lo) * (w != 0)
        each = np.abs(w) * (2 if type.is_bipolar else 1)
        if type.is_bipolar:
            room = room // 2
        usable = (room > 0) & (each <= abs(distance))
        if not np.any(usable):
            return x, False
        chosen, room, each = order[usable], room[usable], each[usable]
        before = np.cumsum(room * each) - room * each
        moved = np.minimum(room, np.maximum(abs(distance) - before, 0) // each)
        gained = int((moved * each).sum())
        x[chosen] += np.sign(weights[chosen]) * np.sign(distance) * moved * (2 if type.is_bipolar else 1)
        distance -= int(np.sign(distance)) * gained
    return x, True


def on_steps(unit: Lookup | Threshold, type: IntegerType, rng: np.random.Generator, elements: int) -> IntArray:
    """Frame whose elements are a threshold of an elementwise unit, or one below it, of any channel.

    (elements,); each such value occurs equally often.
    """
    if isinstance(unit, Threshold):
        reached = np.unique(unit.table.values)
    else:
        codes = np.arange(type.lo, type.hi + 1)
        reached = codes[1:][np.diff(unit.execute(codes)[0]) != 0]
    values = np.unique(np.concatenate([reached, reached - 1]))
    values = values[type.holds(values)]
    if not len(values):
        return draw(type, (elements,), rng)
    rounds = -(-elements // len(values))
    return np.concatenate([rng.permutation(values) for _ in range(rounds)])[:elements]


@dataclass(frozen=True, eq=False)
class _Inverse:
    """An elementwise unit backwards; `results` are those of all codes, (codes, channels or 1), or None if many."""

    unit: Lookup | Threshold
    results: IntArray | None

    @classmethod
    def of(cls, unit: Lookup | Threshold) -> _Inverse:
        codes = np.arange(unit.input_type.lo, unit.input_type.hi + 1)
        codes = codes[unit.input_type.holds(codes)]
        rows = unit.table.values.shape[0] if isinstance(unit, Threshold) else 1
        if len(codes) * rows > _MOST_LISTED:
            return cls(unit, None)
        return cls(unit, unit.execute(np.broadcast_to(codes[:, None], (len(codes), rows)))[0])

    def codes(self, values: IntArray, type: IntegerType, rng: np.random.Generator) -> IntArray:
        """Random ones of the codes of `type` that give the values, or the nearest below them that there is."""
        if self.results is None:
            return draw(type, values.shape, rng)
        step = 2 if type.is_bipolar else 1
        found = np.zeros_like(values)
        rows = self.results.shape[1]
        for row in range(rows):
            # Elements of the stream have their channels innermost.
            own = values[row::rows]
            order = np.argsort(self.results[:, row], kind="stable")
            ascending = self.results[order, row]
            last = np.maximum(np.searchsorted(ascending, own, side="right") - 1, 0)
            first = np.searchsorted(ascending, ascending[last], side="left")
            found[row::rows] = type.lo + step * order[rng.integers(first, last + 1)]
        return found


def targets_of(layer: Receptive, missing: NDArray[np.bool_] | None, rng: np.random.Generator) -> Iterator[Target]:
    """Targets of a layer without end, in random order, those that are `missing`, bool (2, channels, levels), first."""
    channels, levels = layer.table.values.shape
    every = np.stack(np.unravel_index(rng.permutation(2 * channels * levels), (2, channels, levels)), axis=1)
    if missing is not None and np.any(missing):
        first: Iterable[NDArray[np.int64]] = every[missing[tuple(every.T)]]
        yield from (Target(int(c), int(level), bool(side)) for side, c, level in first)
    while True:
        yield from (Target(int(c), int(level), bool(side)) for side, c, level in every)
