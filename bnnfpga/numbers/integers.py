"""Integer types of the accelerator: an exact interval and its encoding (docs/dataflow.md, section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Encoding = Literal["bipolar", "unsigned", "signed"]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class IntegerType:
    """The integers `lo` to `hi` (both included) in an encoding.

    Raises
    ------
    ValueError
        If the interval is empty or does not fit the encoding.
    """

    lo: int
    hi: int
    encoding: Encoding

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"empty interval [{self.lo}, {self.hi}]")
        if self.encoding == "bipolar" and (self.lo, self.hi) != (-1, 1):
            raise ValueError(f"a bipolar type is [-1, 1], not [{self.lo}, {self.hi}]")
        if self.encoding == "unsigned" and self.lo < 0:
            raise ValueError(f"[{self.lo}, {self.hi}] does not fit an unsigned encoding")

    @classmethod
    def bipolar(cls) -> IntegerType:
        """-1 and +1, stored as 0 and 1."""
        return cls(-1, 1, "bipolar")

    @classmethod
    def interval(cls, lo: int, hi: int) -> IntegerType:
        """The integers `lo` to `hi`, unsigned where possible."""
        return cls(lo, hi, "unsigned" if lo >= 0 else "signed")

    @property
    def is_bipolar(self) -> bool:
        return self.encoding == "bipolar"

    @property
    def signed(self) -> bool:
        return self.encoding == "signed"

    def times(self, other: IntegerType) -> IntegerType:
        """The type of products with integers of another type."""
        if self.is_bipolar and other.is_bipolar:
            return IntegerType.bipolar()
        ends = [own * factor for own in (self.lo, self.hi) for factor in (other.lo, other.hi)]
        return IntegerType.interval(min(ends), max(ends))

    @property
    def bits(self) -> int:
        """Bits per element in a stream."""
        if self.encoding == "bipolar":
            return 1
        if self.encoding == "unsigned":
            return max(1, self.hi.bit_length())
        return 1 + max(self.hi.bit_length() if self.hi >= 0 else 0, (-self.lo - 1).bit_length() if self.lo < 0 else 0)

    def holds(self, values: IntArray) -> NDArray[np.bool_]:
        """For each of `values` (any shape), whether the type holds it."""
        within: NDArray[np.bool_] = (values >= self.lo) & (values <= self.hi) & ~(self.is_bipolar & (values == 0))
        return within

    def contains(self, other: IntegerType) -> bool:
        """Whether the type holds every integer of another type."""
        has_zero = not other.is_bipolar and other.lo <= 0 <= other.hi
        return self.lo <= other.lo and other.hi <= self.hi and not (self.is_bipolar and has_zero)

    def encode(self, values: IntArray) -> IntArray:
        """The non-negative codes that a stream carries for `values` (any shape)."""
        # Operators return narrower integers, in which a mask of this many bits may not fit.
        values = values.astype(np.int64, copy=False)
        if self.is_bipolar:
            return (values + 1) >> 1
        return values & ((1 << self.bits) - 1)

    def decode(self, codes: IntArray) -> IntArray:
        """The inverse of `encode`."""
        if self.is_bipolar:
            return 2 * codes - 1
        if self.signed:
            half = 1 << (self.bits - 1)
            return ((codes + half) & ((1 << self.bits) - 1)) - half
        return codes

    def __str__(self) -> str:
        if self.is_bipolar:
            return "bipolar"
        return f"{'int' if self.signed else 'uint'}{self.bits}[{self.lo}, {self.hi}]"
