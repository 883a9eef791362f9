"""Frames in which sums of the first layer come to a threshold, and to the nearest value below it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.compiler.frames.patterns import draw
from bnnfpga.compiler.frames.solve import solve
from bnnfpga.compiler.frames.units import Receptive
from bnnfpga.dataflow.element_function import ElementFunction
from bnnfpga.numbers.integers import IntArray, IntegerType

_MAX_WINDOWS = 128
"""Windows of a frame that are tried for targets; the operands of others are random."""
_OPERANDS_FOR_ONE, _MAX_TOGETHER = 10, 10
"""How many operands of a frame with one window there must be for each of its targets, and how many targets at most."""
_MAX_LISTED = 1 << 20
"""Results of an elementwise unit up to which they are listed, to find what gives each."""


@dataclass(frozen=True)
class Target:
    """Where a sum is to come: to a threshold of a channel, or as little below it as can be."""

    channel: int
    level: int
    below: bool


def frame_with(
    layer: Receptive, type: IntegerType, elements: int, targets: list[Target], rng: np.random.Generator
) -> IntArray:
    """A frame for as many of the targets as go together.

    Parameters
    ----------
    layer
        The layer whose sums are meant.
    type, elements
        The input's codes, and how many of them a frame has.
    targets
        Those that the frame is made for are taken off its end.
    rng
        Where random numbers come from.

    Returns
    -------
    int64 (elements,)
        The input's stream.
    """
    values = draw(layer.sums.input_type, (elements,), rng)
    used = np.zeros(elements, dtype=bool)
    together = 1
    if not layer.sums.is_depthwise and len(layer.places) == 1:
        # The more there are, the likelier some are missed: those come again, maybe by themselves.
        most = int(np.clip(layer.places.shape[1] // _OPERANDS_FOR_ONE, 1, _MAX_TOGETHER))
        together = int(rng.integers(1 + most // 2, most + 1))
    for position in rng.permutation(len(layer.places))[:_MAX_WINDOWS]:
        if not targets:
            break
        # Windows that share an element could not be chosen freely.
        places = layer.places[position]
        inside = places[places >= 0]
        if np.any(used[inside]):
            continue
        used[inside] = True
        chosen = targets[-together:]
        del targets[-together:]
        reached = _place(layer, int(position), chosen, values, rng)
        # At a border, fewer operands may not do: other windows, or frames, come to it later.
        targets[:0] = [target for target, done in zip(chosen, reached, strict=True) if not done]
    function = None if layer.between is None else layer.between.element_function
    return values if function is None else _Inverse.of(function).codes(values, type, rng)


def _place(
    layer: Receptive, position: int, targets: list[Target], values: IntArray, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Change the operands of a window in place; several targets have the same ones."""
    operands = [layer.operands(position, target.channel) for target in targets]
    places, weights = operands[0][0], np.stack([own for _, own in operands])
    thresholds = np.array([layer.table.values[target.channel, target.level] for target in targets])
    below = np.array([target.below for target in targets])
    inside = places >= 0
    fixed = weights[:, ~inside] @ layer.fills[-1 - places[~inside]]
    # An element that a window has twice, behind an upsampling, counts with the sum of its weights.
    own, index = np.unique(places[inside], return_inverse=True)
    total = np.stack([np.bincount(index.reshape(-1), row, len(own)) for row in weights[:, inside]]).astype(np.int64)
    values[own], reached = solve(total, layer.sums.input_type, thresholds - fixed, below, rng)
    return reached


def on_steps(function: ElementFunction, type: IntegerType, rng: np.random.Generator, elements: int) -> IntArray:
    """Frame whose elements are a step of a function of each element, or one below it, of any channel.

    (elements,); each such value occurs equally often.
    """
    values = np.unique(np.concatenate([function.steps, function.steps - 1]))
    values = values[type.holds(values)]
    if not len(values):
        return draw(type, (elements,), rng)
    rounds = -(-elements // len(values))
    return np.concatenate([rng.permutation(values) for _ in range(rounds)])[:elements]


@dataclass(frozen=True, eq=False)
class _Inverse:
    """A function of each element backwards; `results` are those of all codes, (codes, rows), or None if many."""

    function: ElementFunction
    results: IntArray | None

    @classmethod
    def of(cls, function: ElementFunction) -> _Inverse:
        codes = np.arange(function.input_type.lo, function.input_type.hi + 1)
        codes = codes[function.input_type.holds(codes)]
        if len(codes) * function.rows > _MAX_LISTED:
            return cls(function, None)
        results = function.apply(np.broadcast_to(codes[:, None], (len(codes), function.rows)))
        return cls(function, results.astype(np.int64))

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
