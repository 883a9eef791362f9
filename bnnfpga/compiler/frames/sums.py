"""Constructing frames in which sums of the first layer reach a threshold, or the nearest value below it."""

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
"""Windows per frame that are tried for targets; the operands of others are random."""
_OPERANDS_PER_TARGET, _MAX_TOGETHER = 10, 10
"""Operands needed per target in a frame with one window, and targets at most in such a frame."""
_MAX_LISTED = 1 << 20
"""Results of an elementwise unit up to which they are tabulated in order to invert it."""


@dataclass(frozen=True)
class SumTarget:
    """A value for a sum to reach: a threshold of a channel, or the nearest possible value below it."""

    channel: int
    level: int
    below: bool


def frame_with(
    layer: Receptive, type: IntegerType, elements: int, targets: list[SumTarget], rng: np.random.Generator
) -> IntArray:
    """Construct a frame for as many of the targets as fit together.

    Parameters
    ----------
    layer
        The layer of the sums.
    type, elements
        The input's codes, and their number per frame.
    targets
        The frame's targets are removed from the end.
    rng
        Source of random numbers.

    Returns
    -------
    int64 (elements,)
        The input's stream.
    """
    values = draw(layer.sums.input_type, (elements,), rng)
    used = np.zeros(elements, dtype=bool)
    together = 1
    if not layer.sums.is_depthwise and len(layer.places) == 1:
        # The more there are, the likelier some are missed: those are retried later, possibly alone.
        most = int(np.clip(layer.places.shape[1] // _OPERANDS_PER_TARGET, 1, _MAX_TOGETHER))
        together = int(rng.integers(1 + most // 2, most + 1))
    for position in rng.permutation(len(layer.places))[:_MAX_WINDOWS]:
        if not targets:
            break
        # The operands of windows that share an element cannot be chosen independently.
        places = layer.places[position]
        inside = places[places >= 0]
        if np.any(used[inside]):
            continue
        used[inside] = True
        chosen = targets[-together:]
        del targets[-together:]
        reached = _reach(layer, int(position), chosen, values, rng)
        # At a border, there may be too few operands: other windows, or frames, try the target later.
        targets[:0] = [target for target, done in zip(chosen, reached, strict=True) if not done]
    function = None if layer.between is None else layer.between.element_function
    return values if function is None else _Inverse.of(function).codes(values, type, rng)


def _reach(
    layer: Receptive, position: int, targets: list[SumTarget], values: IntArray, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Change a window's operands in place to reach targets that share them; returns which were reached."""
    operands = [layer.operands(position, target.channel) for target in targets]
    places, weights = operands[0][0], np.stack([own for _, own in operands])
    thresholds = np.array([layer.table.values[target.channel, target.level] for target in targets])
    below = np.array([target.below for target in targets])
    inside = places >= 0
    fixed = weights[:, ~inside] @ layer.fills[-1 - places[~inside]]
    # An element that occurs twice in a window, after upsampling, counts with the sum of its weights.
    own, index = np.unique(places[inside], return_inverse=True)
    total = np.stack([np.bincount(index.reshape(-1), row, len(own)) for row in weights[:, inside]]).astype(np.int64)
    values[own], reached = solve(total, layer.sums.input_type, thresholds - fixed, below, rng)
    return reached


def on_steps(function: ElementFunction, type: IntegerType, rng: np.random.Generator, elements: int) -> IntArray:
    """Construct a frame, (elements,), of the steps of an elementwise function and the values one below them.

    All of these values, of all channels, occur equally often.
    """
    values = np.unique(np.concatenate([function.steps, function.steps - 1]))
    values = values[type.holds(values)]
    if not len(values):
        return draw(type, (elements,), rng)
    rounds = -(-elements // len(values))
    return np.concatenate([rng.permutation(values) for _ in range(rounds)])[:elements]


@dataclass(frozen=True, eq=False)
class _Inverse:
    """The inverse of an elementwise function; `results` are those of all codes, (codes, rows), or None if too many."""

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
        """Codes of `type`, chosen at random among those whose results are the values, or the nearest result below."""
        if self.results is None:
            return draw(type, values.shape, rng)
        step = 2 if type.is_bipolar else 1
        codes = np.zeros_like(values)
        rows = self.results.shape[1]
        for row in range(rows):
            # Elements of the stream have their channels innermost.
            own = values[row::rows]
            order = np.argsort(self.results[:, row], kind="stable")
            ascending = self.results[order, row]
            last = np.maximum(np.searchsorted(ascending, own, side="right") - 1, 0)
            first = np.searchsorted(ascending, ascending[last], side="left")
            codes[row::rows] = type.lo + step * order[rng.integers(first, last + 1)]
        return codes
