"""Evaluating which frames bring sums of the first two layers to their thresholds, or the nearest value below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.compiler.frames.units import Decider, FirstUnits
from bnnfpga.numbers.integers import IntArray

_MAX_PRODUCTS = 15 * 10**7
_MAX_SUMS = 1 << 22
"""Budgets for evaluating all frames: products, and comparisons of sums with thresholds."""
_MAX_AT_ONCE = 1 << 21
"""Sums held in memory at a time."""
_MAX_LEVELS = 8
"""Thresholds considered per channel."""


@dataclass(frozen=True, eq=False)
class Sight:
    """The thresholds that frames reach, by decider up to a generation: bool (frames, 2, channels, levels).

    Whether any sum lies at a threshold (0), or at the nearest value below it that sums can take (1).
    """

    seen: dict[str, NDArray[np.bool_]]

    def flat(self) -> NDArray[np.bool_]:
        """All of it side by side, (frames, targets)."""
        return np.concatenate([array.reshape(len(array), -1) for array in self.seen.values()], axis=1)


class Looker:
    """Evaluates frames as far as that is cheap: in both layers, in the first one only, or not at all."""

    def __init__(self, units: FirstUnits) -> None:
        self._units = units
        self._steps: dict[str, IntArray] = {}

    def affordable(self, generation: int) -> int:
        """The number of frames that can be evaluated up to a generation of deciders."""
        deciders = [d for d in self._units.deciders if d.generation <= generation]
        if not deciders:
            return 0
        sums = sum(d.operator.outputs[0].elements * min(d.table.levels, _MAX_LEVELS) for d in deciders)
        products = self._units.products(last_generation=generation)
        return min(_MAX_PRODUCTS // max(products, 1), _MAX_SUMS // max(sums, 1))

    def look(self, frames: IntArray, generation: int) -> Sight:
        """Evaluate frames, int64 (frames, elements) in stream order."""
        deciders = [d for d in self._units.deciders if d.generation <= generation]
        largest = max(max(p.elements for p in (*d.operator.inputs, *d.operator.outputs)) for d in deciders)
        part = max(1, _MAX_AT_ONCE // largest)
        seen: dict[str, list[NDArray[np.bool_]]] = {d.operator.name: [] for d in deciders}
        for start in range(0, len(frames), part):
            sums = self._units.sums(frames[start : start + part], generation)
            for decider in deciders:
                name = decider.operator.name
                if name not in self._steps:
                    self._steps[name] = _steps(sums[name])
                seen[name].append(_seen(decider, sums[name], self._steps[name]))
        return Sight({name: np.concatenate(arrays) for name, arrays in seen.items()})


def levels_of(levels: int) -> IntArray:
    """The indices of the thresholds considered per channel."""
    return np.unique(np.linspace(0, levels - 1, min(levels, _MAX_LEVELS)).astype(np.int64))


def _steps(sums: IntArray) -> IntArray:
    """Per channel, the greatest common divisor of the sums' differences: 2 for sums of a fixed number of -1 and +1."""
    flat = sums.reshape(-1, sums.shape[-1])
    steps: IntArray = np.maximum(np.gcd.reduce(flat - flat[0], axis=0), 1)
    return steps


def _seen(decider: Decider, sums: IntArray, steps: IntArray) -> NDArray[np.bool_]:
    chosen = levels_of(decider.table.levels)
    seen = np.zeros((len(sums), 2, sums.shape[-1], len(chosen)), dtype=bool)
    for place, level in enumerate(chosen):
        above = sums - decider.table.values[:, level]
        seen[:, 0, :, place] = np.any((above >= 0) & (above < steps), axis=1)
        seen[:, 1, :, place] = np.any((above < 0) & (above >= -steps), axis=1)
    return seen


def most_telling(candidates: NDArray[np.bool_], known: NDArray[np.bool_], count: int) -> list[int]:
    """Choose up to `count` candidates, bool (candidates, targets), each of which adds something to `known`.

    Greedy: the one that adds most comes first, then the one that adds most to both, and so on.
    """
    chosen: list[int] = []
    new = candidates & ~known
    while len(chosen) < count:
        gains = np.count_nonzero(new, axis=1)
        best = int(np.argmax(gains)) if len(gains) else 0
        if not len(gains) or not gains[best]:
            break
        chosen.append(best)
        new &= ~candidates[best]
    return chosen
