"""The tables of multiplexers, as Yosys makes them."""

from __future__ import annotations

_MOST_IN_ONE = {6: 4, 4: 2}
"""Choices that a table has inputs for, with the bits that choose, by its inputs."""


def choice_tables(choices: int, lut_inputs: int) -> int:
    """Tables of a bit that is chosen from so many."""
    if choices <= 1:
        return 0
    return 1 if choices <= _MOST_IN_ONE[lut_inputs] else -(-choices // 2)
