"""Many sums of the same bits, each bit as it is or complemented, added up together: what is equal is made once.

A column holds *positions*: arrays with a literal for each sum. Counters take positions of a column for all sums at
once. Up to complements, the sums ask of three bits only one parity and four carries, and of seven bits 64 sums of
carries. So positions are grouped such that the sums differ little in them. (Distributed arithmetic shares sums of two
bits in this way; here whole counters are shared.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.literals import FALSE, Literal, chain_counter, full_adder
from bnnfpga.netlists.netlist import Netlist

Literals = NDArray[np.int64]
"""A position: a literal for each sum; `FALSE` where the sum has no bit there."""

_COUNTED = 7
"""Bits that a counter on a carry chain takes, and that are grouped before they are added up by full adders."""
_COMPARED = 1 << 15
"""Literals that are compared to choose the next position of a group, so that choosing stays linear in the inputs."""
_MIX = np.int64(0x9E3779B97F4A7C15 - (1 << 64))


@dataclass(frozen=True, eq=False)
class Counting:
    """One step: bits of a column, (positions, sums), and what became of them, by column from there on."""

    column: int
    inputs: Literals
    outputs: tuple[Literals, ...]


@dataclass
class SharedSums:
    """Bits in columns for `count` sums; those of column c have weight 2**c.

    Parameters
    ----------
    netlist
        The circuit that takes the cells.
    count
        The number of sums.
    carry_chains
        Whether counters that are not shared may use carry chains: half the lookup tables of full adders.
    """

    netlist: Netlist
    count: int
    carry_chains: bool = True
    columns: list[list[Literals]] = field(default_factory=list)
    steps: list[Counting] = field(default_factory=list)
    """What was done, in order: with it, any sum is proven by a walk."""

    def add(self, column: int, position: Literals) -> None:
        """Put a bit into a column of each sum; positions without any bit are left out."""
        while len(self.columns) <= column:
            self.columns.append([])
        if position.any():
            self.columns[column].append(position)

    def group(self, column: int, positions: list[Literals]) -> None:
        """Put bits into a column, after adding them up in sevens, to a parity and three carries each."""
        pool = positions
        while len(pool) >= _COUNTED:
            parities = []
            while len(pool) >= _COUNTED:
                group, pool = _taken(pool, _COUNTED)
                for _ in range(_COUNTED // 2):
                    group = group[3:] + self._count(column, group[:3])
                parities += group
            pool = parities + pool
        for position in pool:
            self.add(column, position)

    def compress(self, column: int, height: int) -> None:
        """Compress a column to at most `height` bits."""
        pool = _compact(self.columns[column])
        while len(pool) > height:
            taken, rest = _taken(pool, min(3, len(pool)))
            if self.carry_chains and len(pool) >= _COUNTED and 2 * _different(taken) > self.count:
                taken, rest = pool[:_COUNTED], pool[_COUNTED:]
            pool = _compact(rest + self._count(column, taken))
        self.columns[column] = pool

    def bits(self, column: int, sum: int) -> list[Literal]:
        """The bits of one sum in a column."""
        return [int(position[sum]) for position in self.columns[column] if position[sum] != FALSE]

    def _count(self, column: int, positions: Sequence[Literals]) -> list[Literals]:
        """Count the ones among positions, which has carries for the columns above; returns what is left in this one."""
        inputs = np.stack(positions)
        made: dict[tuple[Literal, ...], tuple[list[Literal], ...]] = {}
        left = np.zeros_like(inputs)
        carries = np.zeros((2, self.count), np.int64)
        for sum, row in enumerate(map(tuple, inputs.T.tolist())):
            if row not in made:
                made[row] = self._counted([bit for bit in row if bit != FALSE], len(row))
            bits, above = made[row]
            left[: len(bits), sum] = bits
            carries[: len(above), sum] = above
        self.steps.append(Counting(column, inputs, (left, carries[:1], carries[1:])))
        for place, carry in enumerate(carries):
            self.add(column + 1 + place, carry)
        return [position for position in left if position.any()]

    def _counted(self, bits: list[Literal], positions: int) -> tuple[list[Literal], ...]:
        """What is left of bits, and the carries. A half adder does not make bits fewer: only two positions get one."""
        if len(bits) == _COUNTED:
            left, *carries = chain_counter(self.netlist, bits)
        elif len(bits) > 2 or positions == len(bits) == 2:
            left, *carries = full_adder(self.netlist, *bits[:3], *[FALSE] * (3 - len(bits)))
        else:
            return bits, []
        return [left, *bits[_COUNTED if len(bits) == _COUNTED else 3 :]], carries


def _taken(pool: list[Literals], size: int) -> tuple[list[Literals], list[Literals]]:
    """`size` positions in which the sums differ little, the oldest among them, and the others."""
    window = np.stack(pool[: max(2 * size, _COMPARED // len(pool[0]))], axis=1)
    # A sum whose first bit is complemented is compared by the complements of all.
    window = window ^ (window[:, :1] & 1)
    chosen, forms = [0], window[:, 0]
    while len(chosen) < size:
        mixed = forms[:, None] * _MIX + window
        different = (np.diff(np.sort(mixed, axis=0), axis=0) != 0).sum(axis=0)
        different[chosen] = len(window)
        chosen.append(int(different.argmin()))
        forms = mixed[:, chosen[-1]]
    return [pool[index] for index in chosen], [pool[index] for index in range(len(pool)) if index not in chosen]


def _different(positions: Sequence[Literals]) -> int:
    """The number of different groups of bits, complements aside."""
    rows = np.stack(positions, axis=1)
    return len(np.unique(rows ^ (rows[:, :1] & 1), axis=0))


def _compact(pool: list[Literals]) -> list[Literals]:
    """The same bits in as few positions as possible."""
    rows = np.stack(pool, axis=1) if pool else np.zeros((0, 0), np.int64)
    if rows.all():
        return pool
    order = np.argsort(rows == FALSE, axis=1, kind="stable")
    return [position for position in np.take_along_axis(rows, order, axis=1).T if position.any()]
