"""Speeds in frames per second: cycles per frame at the clock that the units themselves reach.

A folding with deeper logic has a slower clock, so fewer cycles are allowed. Logic levels are whole numbers, and few:
for each number of levels the clock is known, and with it the cycles; the best over all of them is the optimum.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.target import Target
from bnnfpga.tuning.folding_search import Choice, SpeedLimits
from bnnfpga.tuning.space import FoldingSpace

Find = Callable[[SpeedLimits], Choice | None]
"""The best folding within limits; None if there is none."""


@dataclass(frozen=True)
class Pace:
    """A number of logic levels, and the clock in MHz that an accelerator with at most so many reaches."""

    levels: int
    mhz: float


def paces(space: FoldingSpace, target: Target, least: int = 0) -> Iterator[Pace]:
    """The clocks that are possible, the fastest first: as asked for, then those of more and more logic levels.

    They end at the most levels that any unit is known to have, or at `least`.
    """
    levels = [unit.levels[unit.levels >= 0] for unit in space.units]
    most = max([int(known.max()) for known in levels if len(known)], default=0)
    for count in range(target.levels, max(target.levels, most, least) + 1):
        reached = target.reached_mhz(count)
        # To a tenth, as units state it; clocks below that are slow, but not 0.
        yield Pace(count, min(target.clock_mhz, round(reached, 1) or reached))


def cycles_at(mhz: float, fps: float) -> int:
    """The most cycles per frame for a number of frames per second."""
    return int(min(mhz * 1e6 / fps, sys.maxsize))


def best_at_speed(space: FoldingSpace, target: Target, fps: float, find: Find) -> Choice | None:
    """The best folding that reaches a number of frames per second; None if none does.

    Parameters
    ----------
    find
        The best folding within limits, by `objective`.
    """
    first = find(SpeedLimits(cycles_at(target.clock_mhz, fps)))
    if first is None or first.levels <= target.levels:
        # Without a limit on levels, nothing is better; with one, nothing else is possible.
        return first
    best: Choice | None = None
    for pace in paces(space, target, first.levels):
        allowed = cycles_at(pace.mhz, fps)
        choice = find(SpeedLimits(allowed, pace.levels)) if allowed else None
        if choice is not None and (best is None or choice.objective < best.objective):
            best = choice
    return best


def fastest_folding(space: FoldingSpace, target: Target, find: Find) -> Choice | None:
    """The best of the foldings with the most frames per second; None if no folding is possible."""
    intervals = np.unique(np.concatenate([unit.intervals for unit in space.units])).astype(np.int64)
    floor = _first_possible(intervals, None, find)
    if floor is None:
        return None
    best: Choice | None = None
    reached = 0.0
    for pace in paces(space, target):
        if pace.mhz * 1e6 / floor[0] <= reached:
            break
        possible = _first_possible(intervals[intervals >= floor[0]], pace.levels, find)
        if possible is not None and pace.mhz * 1e6 / possible[0] > reached:
            best, reached = possible[1], pace.mhz * 1e6 / possible[0]
    return best


def _first_possible(intervals: NDArray[np.int64], levels: int | None, find: Find) -> tuple[int, Choice] | None:
    """The least of some intervals for which there is a folding, and that folding."""
    low, high, found = 0, len(intervals), None
    while low < high:
        middle = (low + high) // 2
        choice = find(SpeedLimits(int(intervals[middle]), levels))
        if choice is None:
            low = middle + 1
        else:
            found, high = (int(intervals[middle]), choice), middle
    return found
