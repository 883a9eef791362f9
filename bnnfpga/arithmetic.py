"""The float32 operations that models and hosts are made of: one name, one numpy meaning.

Each is a single IEEE operation (or exact), so that numpy, onnxruntime and a host give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def _by_sign(below: Callable[[Floats], Floats], from_zero: Callable[[Floats], Floats]) -> Callable[..., Floats]:
    return lambda x, _: np.where(x < 0, below(x), from_zero(x))


def _count(x: Floats, thresholds: Floats) -> Floats:
    count = np.zeros(np.broadcast_shapes(x.shape, thresholds.shape[:-1]), dtype=np.float32)
    for level in range(thresholds.shape[-1]):
        count += x >= thresholds[..., level]
    return np.where(np.isnan(x), x, count)


def _sign(x: Floats, at_zero: float) -> Floats:
    return np.where(x == 0, np.float32(at_zero), np.sign(x))


def _sigmoid(x: Floats) -> Floats:
    """Its float64 value, rounded once."""
    return np.asarray(1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)


_HALF = np.float32(0.5)

OPERATIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": lambda x, c: x + c,
    "subtract": lambda x, c: x - c,
    "subtract_from": lambda x, c: c - x,
    "multiply": lambda x, c: x * c,
    "divide": lambda x, c: x / c,
    "divide_into": lambda x, c: c / x,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply_below_zero": lambda x, c: np.where(x < 0, x * c, x),
    "count": _count,
    "round": lambda x, _: np.rint(x),
    "floor": lambda x, _: np.floor(x),
    "ceil": lambda x, _: np.ceil(x),
    "round_up": _by_sign(np.floor, np.ceil),
    "round_down": _by_sign(np.ceil, np.floor),
    "round_half_up": _by_sign(lambda x: np.ceil(x - _HALF), lambda x: np.floor(x + _HALF)),
    "round_half_down": _by_sign(lambda x: np.floor(x + _HALF), lambda x: np.ceil(x - _HALF)),
    "sign": lambda x, _: _sign(x, 1),
    "sign_or_zero": lambda x, _: _sign(x, 0),
    "sigmoid": lambda x, _: _sigmoid(x),
}
"""From a value and a constant (ignored from `round` on) to a value.

`subtract_from` and `divide_into` have the constant on the left. `count` gives the number of thresholds reached: the
constant has one axis more than the value, for the thresholds. `round` rounds halves to even; `round_up` goes away from
zero and `round_down` towards it, and so do the halves of `round_half_up` and `round_half_down`. `sign` gives -1 below 0
and +1 from 0 (and -0.0) on, `sign_or_zero` 0 there. What is not a number stays so.
"""


@dataclass(frozen=True, eq=False)
class Step:
    """One float32 operation on each element, with a constant where it has one."""

    operation: str
    constant: Floats | None = None

    def apply(self, x: Floats) -> Floats:
        """The numpy form; `x` must be float32 and is broadcast against the constant."""
        constant = np.zeros((), dtype=np.float32) if self.constant is None else self.constant
        return OPERATIONS[self.operation](x, constant)

    def slope(self) -> NDArray[np.int8] | None:
        """Sign of the operation's slope, by element of the constant.

        +1 rising, -1 falling, 0 constant; None where it is not monotone over all numbers.
        """
        if self.operation in ("multiply", "divide"):
            return np.sign(self.constant).astype(np.int8) if self.constant is not None else None
        if self.operation == "subtract_from":
            return np.array(-1, dtype=np.int8)
        if self.operation == "divide_into":
            return None
        if self.operation == "multiply_below_zero" and (self.constant is None or np.any(self.constant < 0)):
            return None
        return np.array(1, dtype=np.int8)

    @property
    def channels(self) -> int:
        """How many elements in a row the constant tells apart."""
        if self.constant is None:
            return 1
        return self.constant[..., 0].size if self.operation == "count" else self.constant.size

    def varies(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The axes of a tensor of this shape along which the constant, broadcast against it, has several numbers.

        This is where it is decided what a constant of some shape is about; the numbers count, not how often they are
        written.
        """
        constant = self._aligned(shape)
        if constant is None:
            return ()
        return tuple(axis for axis in range(len(shape)) if np.any(constant != constant.take([0], axis)))

    def along(self, axes: Sequence[int], shape: Sequence[int]) -> Step:
        """The same operation for values of shape (n, elements along these axes of a tensor of this shape).

        Its constant has one axis (two for `count`): of one number, or of as many as there are such elements. It must
        vary along no other axis.
        """
        constant = self._aligned(shape)
        if constant is None:
            return self
        levels = self._levels
        varying = self.varies(shape)
        if not varying:
            return Step(self.operation, constant.reshape(-1, *levels)[:1])
        assert set(varying) <= set(axes)
        kept = tuple(slice(None) if axis in axes else slice(1) for axis in range(len(shape)))
        extents = [extent if axis in axes else 1 for axis, extent in enumerate(shape)]
        return Step(self.operation, np.broadcast_to(constant[kept], (*extents, *levels)).reshape(-1, *levels))

    def some(self, channels: slice | NDArray[np.int64]) -> Step:
        """The same operation for some of the elements that a constant of one axis (two for `count`) tells apart."""
        if self.constant is None or self.channels == 1:
            return self
        return Step(self.operation, self.constant[channels])

    @property
    def _levels(self) -> tuple[int, ...]:
        """The last axis of the constant of a `count`, which is none of the tensor's."""
        return self.constant.shape[-1:] if self.operation == "count" and self.constant is not None else ()

    def _aligned(self, shape: Sequence[int]) -> Floats | None:
        """The constant with an axis for each of a tensor of this shape."""
        if self.constant is None:
            return None
        own = self.constant.shape[: self.constant.ndim - len(self._levels)]
        extents = own[max(0, len(own) - len(shape)) :]
        return self.constant.reshape(*[1] * (len(shape) - len(extents)), *extents, *self._levels)


def apply_steps(steps: Sequence[Step], x: Floats) -> Floats:
    """Apply `steps` in order."""
    # Overflow to infinity is part of the meaning, as in onnxruntime.
    with np.errstate(all="ignore"):
        for step in steps:
            x = step.apply(x)
    return x
