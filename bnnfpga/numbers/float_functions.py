"""Functions that are not a single float32 operation: each means its float64 value, rounded once to float32.

They are computed here only, so a chain, the golden model and a host get the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def _each(function: Callable[[float], float]) -> Callable[[Doubles], Doubles]:
    """Apply a scalar function of the standard library to an array, once per distinct number."""

    def apply(x: Doubles) -> Doubles:
        numbers, places = np.unique(x, return_inverse=True)
        results = np.array([function(number) for number in numbers.tolist()], dtype=np.float64)
        return results[places.reshape(x.shape)]

    return apply


_erf, _erfc = _each(math.erf), _each(math.erfc)
_SIXTH = float(np.float32(1 / 6))


def _sigmoid(x: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-x)))


def _elu(x: Doubles, alpha: float) -> Doubles:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _celu(x: Doubles, alpha: float) -> Doubles:
    return np.asarray(np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x / alpha, 0))))


def _gelu(x: Doubles) -> Doubles:
    # By the complement, which avoids the cancellation in 1 + erf(x) far below zero.
    return np.asarray(0.5 * x * _erfc(-x * math.sqrt(0.5)))


def _gelu_by_tanh(x: Doubles) -> Doubles:
    return np.asarray(x * _sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _mish(x: Doubles) -> Doubles:
    # With e = exp(x), tanh(log(1 + e)) = n / (n + 2) for n = e * (e + 2); from 40 on that is 1.
    e = np.exp(np.minimum(x, 40))
    return np.asarray(x * (e * (e + 2) / (e * (e + 2) + 2)))


def _shrink(x: Doubles, bias: float, limit: float) -> Doubles:
    return np.where(x < -limit, x + bias, np.where(x > limit, x - bias, 0))


FUNCTIONS: dict[str, Callable[..., Doubles]] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "celu": _celu,
    "cos": np.cos,
    "cosh": np.cosh,
    "elu": _elu,
    "erf": _erf,
    "exp": np.exp,
    "gelu": _gelu,
    "gelu_by_tanh": _gelu_by_tanh,
    "hard_swish": lambda x: x * np.clip(_SIXTH * x + 0.5, 0, 1),
    "log": np.log,
    "mish": _mish,
    "power": lambda x, exponent: np.power(x, exponent),
    "selu": lambda x, alpha, gamma: gamma * _elu(x, alpha),
    "shrink": _shrink,
    "sigmoid": _sigmoid,
    "sin": np.sin,
    "sinh": np.sinh,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sqrt": np.sqrt,
    "swish": lambda x, alpha: x * _sigmoid(alpha * x),
    "tan": np.tan,
    "tanh": np.tanh,
    "thresholded_relu": lambda x, alpha: np.where(x > alpha, x, 0),
}
"""Each maps float64 numbers, and the function's own parameters, to float64."""

OWN_NUMBERS = {"celu": 1, "elu": 1, "selu": 2, "shrink": 2, "swish": 1, "thresholded_relu": 1}
"""The number of parameters of functions that have any; the exponent of `power` is its constant."""


def rounded_once(name: str, x: NDArray[np.float32], numbers: Sequence[Any] = ()) -> NDArray[np.float32]:
    """Evaluate a function of float32 numbers in float64 and round once to float32.

    Parameters
    ----------
    name
        One of `FUNCTIONS`.
    x
        float32, any shape.
    numbers
        The function's parameters in order: scalars, or arrays that broadcast against `x`.
    """
    # As one contiguous row: for other layouts numpy may take other code paths, whose last bit can differ.
    values = np.ascontiguousarray(x, dtype=np.float64)
    own = [np.asarray(number, dtype=np.float64) for number in numbers]
    shape = np.broadcast_shapes(values.shape, *(number.shape for number in own))
    values = np.ascontiguousarray(np.broadcast_to(values, shape))
    own = [number if number.ndim == 0 else np.ascontiguousarray(np.broadcast_to(number, shape)) for number in own]
    with np.errstate(all="ignore"):
        return np.asarray(FUNCTIONS[name](values, *own)).reshape(shape).astype(np.float32)
