"""The format of one input element: `--input` and `--input-scale`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.integers import IntegerType

_MAX_BITS = 16
_MAX_DENOMINATOR, _MAX_NUMERATOR = 1 << 16, 1 << 8
"""Bounds for a scale that is shown as a fraction."""


@dataclass(frozen=True)
class InputFormat:
    """The format of the user's images.

    `type` is None for the model's own float32 inputs; else images are integers of that type, and the model's input is
    code * scale in float32. `given` says whether the user gave that scale; otherwise it is the default of 1.
    """

    name: str
    type: IntegerType | None
    scale: np.float32
    given: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        """Like `uint8 x 1/255`."""
        if self.type is None:
            return "float32"
        return self.name if self.scale == 1 else f"{self.name} x {_as_text(self.scale)}"

    @classmethod
    def parse(cls, name: str | None, scale: float | str | Fraction | None) -> InputFormat:
        """Parse the interface's words: `uint8`, `int4`, `bipolar`, `float` or None, and a number or a fraction.

        Raises
        ------
        UserError
            If either is not legal, or floats have a scale.
        """
        if name is None or name == "float":
            if scale is not None:
                raise UserError(
                    "a scale needs an integer input", where="--input-scale", hint="add --input uint8, for example"
                )
            return cls("float", None, np.float32(1))
        if name == "bipolar":
            return cls(name, IntegerType.bipolar(), _scale(scale), scale is not None)
        match = re.fullmatch(r"(u?)int([0-9]{1,2})", name)
        bits = int(match[2]) if match else 0
        if match is None or not 1 <= bits <= _MAX_BITS or (not match[1] and bits < 2):
            raise UserError(
                f"{name!r} is not an input type",
                where="--input",
                hint=f"give uintN or intN with N up to {_MAX_BITS}, bipolar, or float",
            )
        half = 1 << (bits - 1)
        type = IntegerType(0, 2 * half - 1, "unsigned") if match[1] else IntegerType(-half, half - 1, "signed")
        return cls(name, type, _scale(scale), scale is not None)


def _scale(scale: float | str | Fraction | None) -> np.float32:
    if scale is None:
        return np.float32(1)
    try:
        # Fraction("1e999999999") would compute a billion digits.
        plain = isinstance(scale, str) and "/" not in scale
        with np.errstate(over="ignore"):
            value = np.float32(float(scale) if plain else float(Fraction(scale)))
    except (ValueError, ZeroDivisionError, OverflowError):
        value = np.float32(0)
    if not np.isfinite(value) or value <= 0:
        raise UserError(f"{scale!r} is not a positive number", where="--input-scale", hint="like 0.5 or 1/255")
    return value


def _as_text(scale: np.float32) -> str:
    """A scale as people write it: as a short decimal or a fraction of small numbers, if that is exact in float32."""
    decimal = f"{scale:.4g}"
    if np.float32(decimal) == scale:
        return decimal
    near = Fraction(float(scale)).limit_denominator(_MAX_DENOMINATOR)
    if near.denominator > 1 and near.numerator <= _MAX_NUMERATOR and np.float32(float(near)) == scale:
        return str(near)
    return f"{scale:.9g}"
