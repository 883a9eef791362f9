"""The float32 operations that models and hosts are made of: one name, one numpy meaning.

Each is a single IEEE operation (or exact), so that numpy, onnxruntime and a host give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OPERATIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": lambda x, c: x + c,
    "subtract": lambda x, c: x - c,
    "subtract_from": lambda x, c: c - x,
    "multiply": lambda x, c: x * c,
    "divide": lambda x, c: x / c,
    "divide_into": lambda x, c: c / x,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "round": lambda x, _: np.rint(x),
    "floor": lambda x, _: np.floor(x),
    "ceil": lambda x, _: np.ceil(x),
    "sign": lambda x, _: np.where(x >= 0, np.float32(1), np.where(x < 0, np.float32(-1), x)),
}
"""From a value and a constant (ignored by the last four) to a value.

`round` rounds halves to even; `sign` gives -1 below 0 and +1 from 0 (and -0.0) on; `subtract_from` and `divide_into`
have the constant on the left. What is not a number stays so.
"""
