"""The foldings of which none is both faster and cheaper than another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bnnfpga.tuning.folding_search import Choice, SpeedLimits
from bnnfpga.tuning.space import FoldingSpace

_ROUNDING = 1e-9


def pareto_front(
    space: FoldingSpace, find: Callable[[SpeedLimits], Choice | None], levels: int | None = None
) -> list[Choice]:
    """All of them with at most so many logic levels, the slowest and cheapest first, as `find` finds the cheapest one.

    Levels that take long to know are not checked (`SpeedLimits`).
    """
    front: list[Choice] = []
    limits = SpeedLimits(int(max(unit.intervals.max() for unit in space.units)), levels, checked=False)
    while (choice := find(limits)) is not None:
        while front and choice.objective <= front[-1].objective:
            front.pop()
        front.append(choice)
        limits = replace(limits, cycles=choice.interval - 1)
    return front


def undominated(choices: Iterable[Choice]) -> list[Choice]:
    """Those of which no other one is both as fast and as cheap, the slowest first."""
    kept: list[Choice] = []
    for choice in sorted(choices, key=lambda choice: (choice.interval, choice.objective)):
        if not kept or choice.objective < kept[-1].objective * (1 - _ROUNDING):
            kept.append(choice)
    return kept[::-1]
