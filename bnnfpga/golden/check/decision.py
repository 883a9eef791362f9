"""One node's decisions between outputs on a grid: which, where they change, and how near that rounding decides."""

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
        Which one, float64 integers, from numbers.
    rise
        Where the index rises to the one that is given; infinite where it never does. Ascending.
    first, step
        float64, broadcast to the input.
    extra
        Size of the terms that float32 arithmetic inside the node adds to those of the input.
    exact
        For numbers that float32 has, whether it also decides about them without rounding.
    truths
        Whether the outputs are truths.
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
        """The node's output, by index."""
        with np.errstate(invalid="ignore"):  # a claim that is no output at all, of a scale of 0
            output = self.first + self.step * index
        return output != 0 if self.truths else output

    def bound(self, x: Number) -> Doubles:
        """How near to a decision point rounding decides."""
        exact = x.exact & self.exact(x.value)
        return np.broadcast_to(Number(x.value, x.size + self.extra, exact).bound, x.value.shape)

    def ties(self, x: Number, index: Doubles, bound: Doubles) -> Truths:
        """Which values lie within `bound` of a decision point; `index` is the node's decision."""
        near = np.minimum(x.value - self.rise(index), self.rise(index + 1) - x.value)
        return (bound > 0) & (near <= bound)

    def span(self, x: Number, index: Doubles) -> Doubles:
        """How many outputs away from that of `index` rounding may decide for, where it decides."""
        bound = self.bound(x)
        away = [np.abs(self.index(x.value + side) - index) for side in (-bound, bound)]
        return np.maximum(1.0, np.maximum(*away))

    def distance(self, x: Number, index: Doubles, other: Doubles) -> Doubles:
        """How far values lie from the point from which on `other` is right; 0 where it is."""
        away = np.where(other > index, self.rise(other) - x.value, x.value - self.rise(other + 1))
        return np.where(other == index, 0.0, away)


def sides(rises: bool, *, includes: bool) -> Decision:
    """Whether a number lies on the upper side of 0, or the lower one; `includes` 0 in the upper one."""
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
    """A decision between `levels` + 1 outputs, whose index rises where `rise` says."""

    def bounded(at: Array) -> Doubles:
        return np.where(at <= 0, -np.inf, np.where(at > levels, np.inf, rise(at)))

    first, step = np.asarray(first, dtype=np.float64), np.asarray(step, dtype=np.float64)
    return Decision(index, bounded, first, step, np.zeros(()), truths=truths, two=levels == 1)
