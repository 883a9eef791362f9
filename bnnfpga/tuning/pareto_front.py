"""The foldings of which none is both faster and cheaper than another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bnnfpga.tuning.folding_search import Choice, SpeedLimits
from bnnfpga.tuning.space import FoldingSpace


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
