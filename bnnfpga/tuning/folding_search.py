"""The cheapest folding within a number of cycles, exact under the cost model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.folding import LayerFolding
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.tuning.space import FoldingSpace
from bnnfpga.tuning.unit_options import UnitOptions

_TIE = 2.0**-24
"""Weight of a cycle of delay where costs are equal, small against a quarter of a LUT."""


@dataclass(frozen=True)
class CostWeights:
    """What is minimised: resources and cycles of delay, each with a weight, in LUTs.

    Among foldings of equal cost, the one with less delay is taken.
    """

    lut: float = 1.0
    ff: float = 0.25
    bram18: float = 100.0
    dsp: float = 60.0
    latency: float = 0.0

    @property
    def vector(self) -> NDArray[np.float64]:
        """The weights of the resources, in the order of `RESOURCES`."""
        return np.array([getattr(self, kind) for kind in RESOURCES])

    def of(self, choice: Choice) -> float:
        """What a choice costs."""
        return float(self.vector @ list(choice.resources.values())) + self.latency * choice.delay


LUTS_OF_RESOURCES = CostWeights()
"""Area as one number, in LUTs."""
LUTS_OF_DELAY = 1 / 32
"""What a cycle of delay counts beside area: on large nets, a few percent of LUTs halve the latency."""
AREA_AND_DELAY = CostWeights(latency=LUTS_OF_DELAY)
"""What is minimised unless users say otherwise."""


@dataclass(frozen=True)
class SpeedLimits:
    """What every unit keeps: the most cycles per frame, and the most logic levels, None for any.

    A unit of `relaxed` that is not fast enough in any form may be as slow as its fastest one. If not `checked`, levels
    that take long to know are taken to be within the limit: those of weights in logic, which are cut into stages for
    the clock. `rows` has, for some units by name, which of their options are left: bool (options,).
    """

    cycles: int
    levels: int | None = None
    relaxed: bool = False
    checked: bool = True
    rows: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, eq=False)
class Choice:
    """An option for each unit of a space, by number, and their sums."""

    space: FoldingSpace
    rows: tuple[int, ...]
    objective: float
    """What was minimised."""
    bound: float | None = None
    """What no folding within the limits falls below; None if that is the objective itself."""

    @property
    def folding(self) -> dict[str, LayerFolding]:
        """The folding file's entries."""
        chosen = {unit.name: unit.options[row].folding for unit, row in zip(self.space.units, self.rows, strict=True)}
        return {name: folding for name, folding in chosen.items() if folding is not None}

    @property
    def interval(self) -> int:
        """Cycles per frame of the slowest unit."""
        return max(int(unit.intervals[row]) for unit, row in zip(self.space.units, self.rows, strict=True))

    @property
    def slowest(self) -> str:
        """The name of the slowest unit."""
        intervals = [int(unit.intervals[row]) for unit, row in zip(self.space.units, self.rows, strict=True)]
        return self.space.units[intervals.index(self.interval)].name

    @property
    def levels(self) -> int:
        """Logic levels of the slowest unit."""
        return max(self.space.levels_of(unit, row) for unit, row in zip(self.space.units, self.rows, strict=True))

    @property
    def delay(self) -> float:
        """The cycles that a vector takes, summed over the units."""
        return float(sum(unit.delays[row] for unit, row in zip(self.space.units, self.rows, strict=True)))

    @property
    def resources(self) -> dict[str, int]:
        """The sum of the units' resources."""
        costs = sum(unit.costs[row] for unit, row in zip(self.space.units, self.rows, strict=True))
        return {kind: int(count) for kind, count in zip(RESOURCES, costs, strict=True)}


def cheapest(space: FoldingSpace, limits: SpeedLimits, weights: CostWeights) -> Choice | None:
    """The cheapest folding within limits; None if there is none."""
    vector, latency = weights.vector, weights.latency + _TIE
    costs = [unit.costs @ vector + latency * unit.delays for unit in space.units]
    choice = least(space, limits, costs)
    return None if choice is None else replace(choice, objective=weights.of(choice))


def fastest(space: FoldingSpace) -> Choice:
    """The cheapest of the fastest foldings."""
    candidates = np.unique(np.concatenate([unit.intervals for unit in space.units]))
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if cheapest(space, SpeedLimits(int(candidates[middle])), CostWeights()) is None:
            low = middle + 1
        else:
            high = middle
    choice = cheapest(space, SpeedLimits(int(candidates[low])), CostWeights())
    assert choice is not None
    return choice


def least(space: FoldingSpace, limits: SpeedLimits, costs: Sequence[NDArray[np.float64]]) -> Choice | None:
    """The folding within limits with the least sum of `costs`, one for each option of each unit."""
    while True:
        allowed = within(space, limits, costs)
        tables = tables_of(space, allowed)
        objective, values = space.elimination.minimum(tables)
        if not np.isfinite(objective):
            return None
        rows = tuple(_row(unit, own, values) for unit, own in zip(space.units, allowed, strict=True))
        if limits.levels is None or not limits.checked:
            return Choice(space, rows, objective)
        # Levels that take long to know are asked for only where they matter; what is too slow is then left out.
        most = [space.levels_of(unit, row) for unit, row in zip(space.units, rows, strict=True)]
        if max(most) <= limits.levels:
            return Choice(space, rows, objective)


def within(space: FoldingSpace, limits: SpeedLimits, costs: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The costs of all options, infinite for those that do not keep the limits."""
    return [np.where(_within(unit, limits), cost, np.inf) for unit, cost in zip(space.units, costs, strict=True)]


def tables_of(space: FoldingSpace, costs: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """For each unit, the least cost for each combination of the values of its variables."""
    return [_table(unit, own, space.sizes) for unit, own in zip(space.units, costs, strict=True)]


def _within(unit: UnitOptions, limits: SpeedLimits) -> NDArray[np.bool_]:
    cycles = max(limits.cycles, int(unit.intervals.min())) if limits.relaxed else limits.cycles
    fast = unit.intervals <= cycles
    if unit.name in limits.rows:
        fast &= limits.rows[unit.name]
    return fast if limits.levels is None else fast & (unit.levels <= limits.levels)


def _table(unit: UnitOptions, costs: NDArray[np.float64], sizes: Mapping[object, int]) -> NDArray[np.float64]:
    """The least cost for each combination of the values of a unit's variables."""
    table = np.full([sizes[variable] for variable in unit.variables], np.inf)
    table[tuple(unit.keys[unit.starts].T)] = np.minimum.reduceat(costs, unit.starts)
    return table


def _row(unit: UnitOptions, costs: NDArray[np.float64], values: Mapping[object, int]) -> int:
    """The option with the least cost for some values of the variables."""
    wanted = np.array([values[variable] for variable in unit.variables], np.int64)
    fitting = np.flatnonzero(np.all(unit.keys == wanted, axis=1))
    return int(fitting[np.argmin(costs[fitting])])
