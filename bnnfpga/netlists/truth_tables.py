"""Truth tables as integers: bit i of a table is the output where the inputs, the first lowest, are the number i."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache


def truth_table(function: Callable[..., int], inputs: int) -> int:
    """The table of a function of `inputs` bits, given to it as integers 0 and 1; it returns 0 or 1."""
    return sum(int(function(*bits_of(entry, inputs))) << entry for entry in range(1 << inputs))


def bits_of(number: int, bits: int) -> tuple[int, ...]:
    """The lowest bits of a number, least significant first."""
    return tuple(number >> place & 1 for place in range(bits))


def depends(table: int, inputs: int, place: int) -> bool:
    """Whether the output depends on the input at this place."""
    low = _entries_without(inputs, place)
    return table & low != table >> (1 << place) & low


def cofactor(table: int, inputs: int, place: int, value: int) -> int:
    """The table of `inputs` - 1 inputs that is left where the input at this place has this value."""
    below = (1 << place) - 1
    entries = ((entry & ~below) << 1 | value << place | entry & below for entry in range(1 << inputs - 1))
    return sum((table >> source & 1) << entry for entry, source in enumerate(entries))


def merged(table: int, inputs: int, place: int, other: int) -> int:
    """The table of `inputs` - 1 inputs in which the input `place` has left and `other`, before it, stands for both."""
    zero, one = (cofactor(table, inputs, place, value) for value in (0, 1))
    low = _entries_without(inputs - 1, other)
    return zero & low | one & ~low & (1 << (1 << inputs - 1)) - 1


def permuted(table: int, order: Sequence[int]) -> int:
    """The table whose input at place i is the input at place `order[i]` of the old one."""
    return _rearranged(table, _sources(tuple(enumerate(order)), len(order)))


def widened(table: int, places: Sequence[int], inputs: int) -> int:
    """The table of `inputs` inputs that depends only on those at `places`, as `table` does on its own."""
    return _rearranged(table, _sources(tuple((place, own) for own, place in enumerate(places)), inputs))


def _rearranged(table: int, sources: Sequence[int]) -> int:
    """The table whose entries are those of another one at `sources`."""
    result = 0
    for entry, source in enumerate(sources):
        if table >> source & 1:
            result |= 1 << entry
    return result


@cache
def _sources(moves: tuple[tuple[int, int], ...], inputs: int) -> tuple[int, ...]:
    """For each entry of `inputs` bits, the one with its bits moved from the first to the second place of each pair."""
    return tuple(sum((entry >> place & 1) << other for place, other in moves) for entry in range(1 << inputs))


@cache
def _entries_without(inputs: int, place: int) -> int:
    """The entries in which the input at this place is 0, as a mask."""
    return sum(1 << entry for entry in range(1 << inputs) if not entry >> place & 1)


def complemented(table: int, inputs: int, place: int) -> int:
    """The table that depends on the complement of the input at this place as `table` does on the input."""
    low, half = _entries_without(inputs, place), 1 << place
    return (table & low) << half | table >> half & low
