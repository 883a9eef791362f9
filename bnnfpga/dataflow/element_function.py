"""The function of each element by itself that a unit computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True, eq=False)
class ElementFunction:
    """From an integer to an integer, the same in all channels or another one in each.

    Parameters
    ----------
    input_type
        The integers that it is a function of.
    rows
        How many functions there are: one, or one for each channel.
    steps
        int64, ascending: integers whose result differs from that of the integer below them, in any channel.
    apply
        From integers (..., rows), or (..., channels), to their results.
    """

    input_type: IntegerType
    rows: int
    steps: IntArray
    apply: Callable[[Integers], Integers]
