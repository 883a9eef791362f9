"""The element-wise function that a unit computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True, eq=False)
class ElementFunction:
    """An integer function of an integer, shared by all channels or one for each.

    Parameters
    ----------
    input_type
        The type of its argument.
    rows
        The number of functions: one, or one per channel.
    steps
        int64, ascending: the integers whose result differs, in any channel, from that of the next lower integer.
    apply
        Maps integers (..., rows), or (..., channels), to their results.
    """

    input_type: IntegerType
    rows: int
    steps: IntArray
    apply: Callable[[Integers], Integers]
