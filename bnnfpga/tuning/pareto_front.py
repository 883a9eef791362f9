"""The foldings of which none is both faster and cheaper than another one."""

from __future__ import annotations

from dataclasses import replace

from bnnfpga.tuning.folding_search import Choice, CostWeights, SpeedLimits, cheapest
from bnnfpga.tuning.space import FoldingSpace


def pareto_front(space: FoldingSpace, weights: CostWeights, levels: int | None = None) -> list[Choice]:
    """All of them with at most so many logic levels, the slowest and cheapest first; each is an optimum.

    Levels that take long to know are not checked (`SpeedLimits`).
    """
    front: list[Choice] = []
    limits = SpeedLimits(int(max(unit.intervals.max() for unit in space.units)), levels, checked=False)
    while (choice := cheapest(space, limits, weights)) is not None:
        if front and choice.objective <= front[-1].objective:
            front.pop()
        front.append(choice)
        limits = replace(limits, cycles=choice.interval - 1)
    return front
