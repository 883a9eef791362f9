"""A node's decisions between outputs on a grid: their decision points, and the range in which rounding decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bnnfpga.golden.check.number import Array, Doubles, Number, Truths

Function = Callable[[Array], Doubles]


@dataclass(frozen=True, eq=False)
class Decision:
    """A node whose outputs are first, first + step, first + 2 * step, ... by index.

    Parameters
    ----------
    index
        The function from numbers to the index of the output, float64 integers.
    rise
        The function from an index to the number at which the index rises to it, infinite if it never does. Ascending.
    first, step
        float64, broadcast to the input.
    extra
        Size of the terms that float32 arithmetic inside the node adds to those of the input.
    exact
        For numbers that float32 represents, whether the node decides about them without rounding.
    truths
        Whether the outputs are booleans.
    two
        Whether there are only two outputs.
    """

    index: Function
    rise: Function
    first: Doubles
    step: Doubles
    extra: Doubles
    exact: Callable[[Array], Truths] = lambda x: np.array(True)
    truths: bool = False
    two: bool = False

    def output(self, index: Doubles) -> Array:
        """The node's output for an index."""
        with np.errstate(invalid="ignore"):  # with a scale of 0, a claim that is not an output has an infinite index
            output = self.first + self.step * index
        return output != 0 if self.truths else output

    def bound(self, x: Number) -> Doubles:
        """The distance from a decision point within which rounding decides."""
        exact = x.exact & self.exact(x.value)
        return np.broadcast_to(Number(x.value, x.size + self.extra, exact).bound, x.value.shape)

    def ties(self, x: Number, index: Doubles, bound: Doubles) -> Truths:
        """Whether each value lies within `bound` of a decision point; `index` is the node's decision."""
        near = np.minimum(x.value - self.rise(index), self.rise(index + 1) - x.value)
        return (bound > 0) & (near <= bound)

    def span(self, x: Number, index: Doubles) -> Doubles:
        """How many outputs away from `index` rounding may move a decision that lies on a tie; at least 1."""
        bound = self.bound(x)
        away = [np.abs(self.index(x.value + side) - index) for side in (-bound, bound)]
        return np.maximum(1.0, np.maximum(*away))

    def distance(self, x: Number, index: Doubles, other: Doubles) -> Doubles:
        """The distance of values from the nearest point at which `other` is right; 0 where it is."""
        away = np.where(other > index, self.rise(other) - x.value, x.value - self.rise(other + 1))
        return np.where(other == index, 0.0, away)


def sides(rises: bool, *, includes: bool) -> Decision:
    """Whether a number lies above 0, or below it unless `rises`; `includes` counts 0 as above."""
    return uniform(
        (lambda x: np.float64(1) * (x >= 0)) if includes else (lambda x: np.float64(1) * (x > 0)),
        1,
        lambda index: np.zeros_like(index),
        0.0 if rises else 1.0,
        1.0 if rises else -1.0,
        truths=True,
    )


def uniform(
    index: Function, levels: float, rise: Function, first: Array | float, step: Array | float, *, truths: bool = False
) -> Decision:
    """A decision between `levels` + 1 outputs, whose index rises at the points of `rise`."""

    def bounded(at: Array) -> Doubles:
        return np.where(at <= 0, -np.inf, np.where(at > levels, np.inf, rise(at)))

    first, step = np.asarray(first, dtype=np.float64), np.asarray(step, dtype=np.float64)
    return Decision(index, bounded, first, step, np.zeros(()), truths=truths, two=levels == 1)
