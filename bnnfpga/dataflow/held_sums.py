"""Registers between the stages of a sum of single bits, before its netlist is made."""

from __future__ import annotations

_EARLY = 0.8
"""The first counters leave fewer bits than the last adders do: of netlists of 8 to 784 inputs, in 2 to 5 stages."""


def held_bits(counted: int, result: int, stages: int) -> float:
    """The bits that wait behind all stages but the last, of a tree that makes `result` bits of `counted` ones.

    From stage to stage they fall nearly geometrically.
    """
    if counted <= result:
        return float((stages - 1) * counted)
    parts = [float((stage / stages) ** _EARLY) for stage in range(1, stages)]
    return sum(counted * float((result / counted) ** part) for part in parts)
