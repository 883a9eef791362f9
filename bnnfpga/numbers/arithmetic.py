"""The float32 operations of models and hosts: one name, one numpy definition.

Each is a single IEEE operation (or exact), so numpy, onnxruntime and a host give the same bits, or a function of
`bnnfpga.numbers.float_functions`, which only numpy computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.float_functions import FUNCTIONS, rounded_once

Floats = NDArray[np.float32]


def _by_sign(below: Callable[[Floats], Floats], from_zero: Callable[[Floats], Floats]) -> Callable[..., Floats]:
    return lambda x, _: np.where(x < 0, below(x), from_zero(x))


def _count(x: Floats, thresholds: Floats) -> Floats:
    count = np.zeros(np.broadcast_shapes(x.shape, thresholds.shape[:-1]), dtype=np.float32)
    for level in range(thresholds.shape[-1]):
        count += x >= thresholds[..., level]
    return np.where(np.isnan(x), x, count)


def _entry(x: Floats, table: Floats) -> Floats:
    """Entries of table rows at integer positions, clamped to the rows' ends."""
    rows = np.arange(table[..., 0].size).reshape(table.shape[:-1])
    with np.errstate(invalid="ignore"):
        places = np.nan_to_num(np.clip(np.rint(x), 0, table.shape[-1] - 1)).astype(np.int64)
    entries: Floats = table.reshape(-1, table.shape[-1])[np.broadcast_arrays(rows, places)[0], places]
    return entries


def _sign(x: Floats, at_zero: float) -> Floats:
    return np.where(x == 0, np.float32(at_zero), np.sign(x))


_HALF = np.float32(0.5)

OPERATIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": lambda x, c: x + c,
    "subtract": lambda x, c: x - c,
    "subtract_from": lambda x, c: c - x,
    "multiply": lambda x, c: x * c,
    "divide": lambda x, c: x / c,
    "divide_into": lambda x, c: c / x,
    "absolute": lambda x, _: np.abs(x),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply_below_zero": lambda x, c: np.where(x < 0, x * c, x),
    "count": _count,
    "entry": _entry,
    "round": lambda x, _: np.rint(x),
    "floor": lambda x, _: np.floor(x),
    "ceil": lambda x, _: np.ceil(x),
    "round_up": _by_sign(np.floor, np.ceil),
    "round_down": _by_sign(np.ceil, np.floor),
    "round_half_up": _by_sign(lambda x: np.ceil(x - _HALF), lambda x: np.floor(x + _HALF)),
    "round_half_down": _by_sign(lambda x: np.floor(x + _HALF), lambda x: np.ceil(x - _HALF)),
    "sign": lambda x, _: _sign(x, 1),
    "sign_or_zero": lambda x, _: _sign(x, 0),
}
"""From a value and a constant (ignored from `round` on) to a value.

`subtract_from` and `divide_into` have the constant on the left. `count` gives the number of thresholds reached, `entry`
the number at the place that the value says: their constants have one axis more than the value, for these numbers.
`round` rounds halves to even; `round_up` goes away from zero and `round_down` towards it, and so do the halves of
`round_half_up` and `round_half_down`. `sign` gives -1 below 0 and +1 from 0 (and -0.0) on, `sign_or_zero` 0 there. What
is not a number stays so.
"""


BY_NUMPY = (*FUNCTIONS, "entry")
"""Operations that runtimes lack or do not compute bit-exactly."""
_BY_LEVEL = ("count", "entry")
JOINS = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
"""Operations that may also join two functions of the same number."""
SCALES = ("multiply", "divide")
"""Operations that only scale a number."""


@dataclass(frozen=True, eq=False)
class Step:
    """One elementwise float32 operation or function.

    Parameters
    ----------
    operation
        A name from `OPERATIONS` or from `bnnfpga.numbers.float_functions.FUNCTIONS`.
    constant
        The other operand, where the operation takes one.
    numbers
        Scalar parameters of a function, the same for all elements.
    branches
        Where the operation is one of `JOINS` and both its operands come from the same number x: the steps from x to the
        first and to the second.
    """

    operation: str
    constant: Floats | None = None
    numbers: tuple[float, ...] = ()
    branches: tuple[tuple[Step, ...], ...] = ()

    def apply(self, x: Floats) -> Floats:
        """The numpy form; `x` must be float32 and is broadcast against the constant."""
        if self.branches:
            first, second = (apply_steps(branch, x) for branch in self.branches)
            return OPERATIONS[self.operation](first, second)
        if self.operation in FUNCTIONS:
            own = self.numbers if self.constant is None else (*self.numbers, self.constant)
            return rounded_once(self.operation, x, own)
        constant = np.zeros((), dtype=np.float32) if self.constant is None else self.constant
        return OPERATIONS[self.operation](x, constant)

    def slope(self) -> NDArray[np.int8] | None:
        """Sign of the operation's slope, by element of the constant.

        +1 rising, -1 falling, 0 constant; None where it is not monotone over all numbers, or is not proven to be: a
        function's float64 value may be off by its last bit, and so its rounded one where it hardly changes.
        """
        if self.branches or self.operation in FUNCTIONS or self.operation in ("divide_into", "absolute", "entry"):
            return None
        if self.operation in SCALES:
            return np.sign(self.constant).astype(np.int8) if self.constant is not None else None
        if self.operation == "subtract_from":
            return np.array(-1, dtype=np.int8)
        if self.operation == "multiply_below_zero" and (self.constant is None or np.any(self.constant < 0)):
            return None
        return np.array(1, dtype=np.int8)

    @property
    def channels(self) -> int:
        """The number of channels that the constant, or those of the branches, distinguishes."""
        return max((leaf.rows for leaf in self.leaves()), default=1)

    def leaves(self) -> Iterator[Step]:
        """The steps that hold constants: this one, or those of its branches."""
        if self.constant is not None:
            yield self
        for branch in self.branches:
            for step in branch:
                yield from step.leaves()

    def each(self, change: Callable[[Step], Step]) -> Step:
        """The step with `change` applied to each of its `leaves`."""
        if self.constant is not None:
            return change(self)
        branches = tuple(tuple(step.each(change) for step in branch) for branch in self.branches)
        return replace(self, branches=branches) if branches else self

    def with_constant(self, constant: Floats) -> Step:
        """The same operation with another constant."""
        return replace(self, constant=constant)

    @property
    def rows(self) -> int:
        """The size of its own constant; for `count`, the number of threshold rows."""
        assert self.constant is not None
        return self.constant[..., 0].size if self.operation in _BY_LEVEL else self.constant.size

    def varies(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The axes of a tensor of this shape along which a constant, broadcast against it, has several numbers.

        Only axes along which the numbers really differ count, not those along which they are merely repeated.
        """
        found: set[int] = set()
        for leaf in self.leaves():
            constant = leaf._aligned(shape)
            found.update(axis for axis in range(len(shape)) if np.any(constant != constant.take([0], axis)))
        return tuple(sorted(found))

    def along(self, axes: Sequence[int], shape: Sequence[int]) -> Step:
        """The same operation for values of shape (n, elements along these axes of a tensor of this shape).

        Its constants have one axis (two for `count`): of one number, or of as many as there are such elements. They
        must not vary along any other axis.
        """

        def placed(leaf: Step) -> Step:
            constant, levels = leaf._aligned(shape), leaf._levels
            varying = leaf.varies(shape)
            if not varying:
                return leaf.with_constant(constant.reshape(-1, *levels)[:1])
            assert set(varying) <= set(axes)
            kept = tuple(slice(None) if axis in axes else slice(1) for axis in range(len(shape)))
            extents = [extent if axis in axes else 1 for axis, extent in enumerate(shape)]
            whole = np.broadcast_to(constant[kept], (*extents, *levels))
            return leaf.with_constant(whole.reshape(-1, *levels))

        return self.each(placed)

    def some(self, channels: slice | NDArray[np.int64]) -> Step:
        """The operation for some of the elements that its constant distinguishes (see `along`)."""

        def chosen(leaf: Step) -> Step:
            assert leaf.constant is not None
            return leaf if leaf.rows == 1 else leaf.with_constant(leaf.constant[channels])

        return self.each(chosen)

    @property
    def _levels(self) -> tuple[int, ...]:
        """The extra last axis of the constant of `count`, which the tensor does not have."""
        return self.constant.shape[-1:] if self.operation in _BY_LEVEL and self.constant is not None else ()

    def _aligned(self, shape: Sequence[int]) -> Floats:
        """The constant with one axis per axis of a tensor of this shape."""
        assert self.constant is not None
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
