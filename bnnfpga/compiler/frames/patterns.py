"""Frames that follow from a shape and an integer type alone: ends, single channels, rows and columns, ramps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntArray, IntegerType

_AXES = {1: ("element",), 2: ("channel", "sample"), 3: ("channel", "row", "column")}
_SHARE_DRAWN = 0.1
"""Share of a sparse frame that differs from the background."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """A frame: its name, and its codes, int64 of the model's input shape."""

    kind: str
    codes: IntArray


def draw(type: IntegerType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    """Draw uniformly random values of a type."""
    if type.is_bipolar:
        return 2 * rng.integers(0, 2, shape) - 1
    return rng.integers(type.lo, type.hi + 1, shape)


def patterns(type: IntegerType, shape: tuple[int, ...], rng: np.random.Generator) -> list[Pattern]:
    """The frames of these kinds, most informative first, so that any number of first frames is a good choice.

    Parameters
    ----------
    type
        The type of the codes.
    shape
        The model's input shape without the batch; axes of length 1 get no frames of their own.
    rng
        Source of random numbers.
    """
    frames: list[Pattern] = []

    def add(kind: str, codes: IntArray) -> None:
        if not any(np.array_equal(codes, other.codes) for other in frames):
            frames.append(Pattern(kind, codes))

    def add_levels(kind: str, levels: NDArray[np.float64]) -> None:
        add(kind, _codes(type, np.broadcast_to(levels, shape)))

    axes = [_Axis(shape, index, name) for index, name in enumerate(_names(shape)) if shape[index] > 1]
    pixels = [axis.index for axis in axes if axis.name in ("row", "column")]
    mixed = np.zeros(shape) + sum(axis.spread(rng.random(axis.extent)) for axis in axes)
    names = [axis.name for axis in axes] or ["element"]
    add_levels(f"another level for each {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}", mixed % 1)
    add("random", draw(type, shape, rng))
    # One view of each axis in turn, then the next view of each: the first few frames cover all axes.
    for turn in range(len(_VIEWS)):
        for place, axis in enumerate(axes):
            add_levels(*_VIEWS[(turn + place) % len(_VIEWS)](axis, rng))
        if turn == 0:
            add_levels("all at the lowest value", np.array(0.0))
            add_levels("all at the highest value", np.array(1.0))
            add("random, mostly the lowest value", _sparse(type, shape, rng, type.lo))
            for place in (0, -1) if len(pixels) > 1 else ():
                lit = np.zeros(shape)
                lit[tuple(place if axis in pixels else slice(None) for axis in range(len(shape)))] = 1
                add_levels(f"the {'last' if place else 'first'} pixel lit", lit)
    if type.lo < 0 < type.hi and not type.is_bipolar:
        add("all 0", np.zeros(shape, dtype=np.int64))
    add("random, mostly the highest value", _sparse(type, shape, rng, type.hi))
    return frames


def _names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the axes; channels come first, except for an input that can only be an image with channels last."""
    if len(shape) == 3 and shape[2] <= 4 < min(shape[:2]):
        return ("row", "column", "channel")
    return _AXES.get(len(shape)) or tuple(f"index of axis {axis + 1}" for axis in range(len(shape)))


@dataclass(frozen=True)
class _Axis:
    """An axis of a frame."""

    shape: tuple[int, ...]
    index: int
    name: str

    @property
    def extent(self) -> int:
        return self.shape[self.index]

    def spread(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reshape one level per index of the axis, for broadcasting against a frame."""
        return levels.reshape(tuple(self.extent if axis == self.index else 1 for axis in range(len(self.shape))))

    def only(self, place: int) -> NDArray[np.float64]:
        return self.spread((np.arange(self.extent) == place).astype(np.float64))


def _lit(axis: _Axis, rng: np.random.Generator) -> tuple[str, NDArray[np.float64]]:
    del rng
    return f"{axis.name} 0 lit", axis.only(0)


def _all_but(axis: _Axis, rng: np.random.Generator) -> tuple[str, NDArray[np.float64]]:
    del rng
    return f"all but {axis.name} {axis.extent - 1} lit", 1 - axis.only(axis.extent - 1)


def _random_levels(axis: _Axis, rng: np.random.Generator) -> tuple[str, NDArray[np.float64]]:
    # Both ends are among them, and bipolar codes are as balanced as possible.
    levels = rng.permutation(np.linspace(0, 1, axis.extent))
    return f"a random level for each {axis.name}", axis.spread(levels)


def _ramp(axis: _Axis, rng: np.random.Generator) -> tuple[str, NDArray[np.float64]]:
    del rng
    return f"rising by {axis.name}", axis.spread(np.linspace(0, 1, axis.extent))


_VIEWS: tuple[Callable[[_Axis, np.random.Generator], tuple[str, NDArray[np.float64]]], ...] = (
    _lit,
    _random_levels,
    _all_but,
    _ramp,
)


def _codes(type: IntegerType, levels: NDArray[np.float64]) -> IntArray:
    """Codes for levels from 0, the lowest, to 1, the highest."""
    if type.is_bipolar:
        return np.where(levels < 0.5, -1, 1).astype(np.int64)
    return np.rint(type.lo + levels * (type.hi - type.lo)).astype(np.int64)


def _sparse(type: IntegerType, shape: tuple[int, ...], rng: np.random.Generator, background: int) -> IntArray:
    return np.where(rng.random(shape) < _SHARE_DRAWN, draw(type, shape, rng), background)
