"""The options of one unit, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.folding import LayerFolding
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.tuning.cost_model import CostModel
from bnnfpga.tuning.elimination import Variable

UNKNOWN = -1
"""Logic levels that have not been asked for yet."""
_MOST = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class PricedUnit:
    """A unit or a converter with its figures: resources in the order of `RESOURCES`, cycles, logic levels.

    `latency` has the cycles of its pipeline where they count, else 0.
    """

    unit: Operator
    cost: tuple[int, ...]
    interval: int
    delay: float
    levels: int
    latency: int = 0

    @classmethod
    def of(cls, unit: Operator, model: CostModel, latency: int = 0) -> PricedUnit:
        cost, interval = model.of(unit), unit.interval()
        vectors = unit.outputs[0].elements // unit.outputs[0].shape[-1]
        levels = model.levels(unit) if model.has_quick_levels(unit) else UNKNOWN
        return cls(unit, tuple(cost.get(kind, 0) for kind in RESOURCES), interval, interval / vectors, levels, latency)


@dataclass(frozen=True, eq=False)
class Option:
    """One way to build a unit behind certain producers: its folding, and the unit behind the converters it needs.

    `inputs` has, for each of the `parts` before the unit, the input of the unit to which it leads.
    """

    folding: LayerFolding | None
    parts: tuple[PricedUnit, ...]
    inputs: tuple[int, ...] = ()

    @property
    def figures(self) -> tuple[float, ...]:
        """The sums of all resources and pipelines, the interval of the slowest part, the delay of the unit."""
        last = self.parts[-1]
        if len(self.parts) == 1:
            return (*last.cost, last.latency, last.interval, last.delay)
        costs = map(sum, zip(*(part.cost for part in self.parts), strict=True))
        latency, interval = sum(part.latency for part in self.parts), max(part.interval for part in self.parts)
        return (*costs, latency, interval, last.delay)

    @property
    def levels(self) -> int:
        levels = [part.levels for part in self.parts]
        return UNKNOWN if UNKNOWN in levels else max(levels)


@dataclass(eq=False)
class UnitOptions:
    """All ways to build a unit that may be best; those that fit the same neighbours follow each other.

    Parameters
    ----------
    name
        The unit.
    variables
        What ties it to its neighbours.
    keys
        int64 (options, variables): the values of the variables that an option fits.
    options
        The options.
    figures
        float64 (options, len(RESOURCES) + 3): see `Option.figures`.
    levels
        int64 (options,): logic levels, `UNKNOWN` until they are needed.
    """

    name: str
    variables: tuple[Variable, ...]
    keys: NDArray[np.int64]
    options: list[Option]
    figures: NDArray[np.float64]
    levels: NDArray[np.int64]
    starts: NDArray[np.int64] = field(init=False)
    """The first option of each combination of values."""

    def __post_init__(self) -> None:
        self.starts = _starts(self.keys)

    @classmethod
    def of(
        cls, name: str, variables: tuple[Variable, ...], rows: Sequence[tuple[tuple[int, ...], Option]]
    ) -> UnitOptions:
        """The options that no other one with the same key is at least as good as in everything."""
        keys = np.array([key for key, _ in rows], np.int64).reshape(len(rows), len(variables))
        figures = np.array([option.figures for _, option in rows], np.float64)
        levels = np.array([option.levels for _, option in rows], np.int64)
        order = np.lexsort(keys.T[::-1]) if variables else np.arange(len(rows))
        bounds = [*_starts(keys[order]), len(rows)]
        groups = [order[start:end] for start, end in pairwise(bounds)]
        kept = np.concatenate([group[undominated(figures[group], levels[group])] for group in groups])
        return cls(name, variables, keys[kept], [rows[row][1] for row in kept], figures[kept], levels[kept])

    @property
    def costs(self) -> NDArray[np.float64]:
        """float64 (options, len(RESOURCES))."""
        return self.figures[:, : len(RESOURCES)]

    @property
    def intervals(self) -> NDArray[np.float64]:
        """float64 (options,): cycles per frame."""
        return self.figures[:, -2]

    @property
    def delays(self) -> NDArray[np.float64]:
        """float64 (options,): cycles that a vector takes."""
        return self.figures[:, -1]


def _starts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    changes = np.any(keys[1:] != keys[:-1], axis=1)
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def undominated(figures: NDArray[np.float64], levels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows no other row is at least as good as in everything; of equal ones, the first.

    Levels that are not known may be any: the most, when they are compared with another row's, and the least otherwise.
    """
    if len(levels) == 1:
        return np.ones(1, bool)
    better = np.where(levels == UNKNOWN, _MOST, levels)[:, None] <= levels[None]
    for figure in figures.T:
        better &= figure[:, None] <= figure[None]
    first = np.arange(len(levels))
    better &= ~better.T | (first[:, None] < first[None])
    result: NDArray[np.bool_] = np.logical_not(np.any(better, axis=0))
    return result
