"""Which of many frames bring the sums of the first two layers to their thresholds, and to one below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.compiler.frames.units import Decider, FirstUnits
from bnnfpga.numbers.integers import IntArray

_MAX_PRODUCTS = 15 * 10**7
_MAX_SUMS = 1 << 22
"""What looking at frames may take altogether: products, and sums compared with a threshold."""
_MAX_AT_ONCE = 1 << 21
"""Sums that are kept at a time."""
_MAX_LEVELS = 8
"""Thresholds of a channel that are looked at."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What frames see: for each decider up to a generation, by name, bool (frames, 2, channels, levels).

    Whether a sum comes to a threshold (0), or to the nearest value below it that sums can be (1).
    """

    seen: dict[str, NDArray[np.bool_]]

    def flat(self) -> NDArray[np.bool_]:
        """(frames, all that can be seen)."""
        return np.concatenate([array.reshape(len(array), -1) for array in self.seen.values()], axis=1)


class Looker:
    """Looks at frames as far as that is cheap: at both layers, at the first one alone, or at none."""

    def __init__(self, units: FirstUnits) -> None:
        self._units = units
        self._steps: dict[str, IntArray] = {}

    def affordable(self, generation: int) -> int:
        """How many frames can be looked at up to a generation of deciders."""
        deciders = [d for d in self._units.deciders if d.generation <= generation]
        if not deciders:
            return 0
        sums = sum(d.operator.outputs[0].elements * min(d.table.levels, _MAX_LEVELS) for d in deciders)
        products = self._units.products(last_generation=generation)
        return min(_MAX_PRODUCTS // max(products, 1), _MAX_SUMS // max(sums, 1))

    def look(self, frames: IntArray, generation: int) -> Sight:
        """What each of the frames sees, int64 (frames, elements)."""
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
    """The thresholds of a channel that are looked at."""
    return np.unique(np.linspace(0, levels - 1, min(levels, _MAX_LEVELS)).astype(np.int64))


def _steps(sums: IntArray) -> IntArray:
    """By channel, what all sums differ by multiples of: sums of as many -1 and +1 are all even, or all odd."""
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
    """Up to `count` of the candidates, bool (candidates, all that can be seen), each of which sees something new.

    The one that sees most comes first, then the one that adds most to it; `known` is seen anyhow.
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
