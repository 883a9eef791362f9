"""The cells of counters, and of adders of counts (`rtl/bnn_counter.sv`, `rtl/bnn_accumulator.sv`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_FULL_TREES = (7, 22, 67, 202, 607, 1822, 5467)
"""Inputs of a full counter, by its height less one."""

_LEAF_TABLES = {6: (0, 0, 1, 1, 2, 2, 2, 2), 4: (0, 0, 2, 2, 3, 5, 7, 7)}
"""Tables of a counter of up to seven inputs, by the inputs of a table."""

_MOST_DIRECT = (16, 32)
"""Bits to count of which two enter an accumulator's adder as carries."""

_SECOND = ((30, 7), (74, 22), (209, 67), (614, 202), (1829, 607), (1 << 30, 1822))
"""Of more bits than fill a counter of seven, those that a second one counts, by the most of both."""


@dataclass(frozen=True)
class Cells:
    """The lookup tables of a part, positions of carry chains included, and its flip-flops."""

    tables: int = 0
    registers: int = 0

    def __add__(self, other: Cells) -> Cells:
        return Cells(self.tables + other.tables, self.registers + other.registers)

    def times(self, count: int) -> Cells:
        """Those of so many equal parts."""
        return Cells(count * self.tables, count * self.registers)


@dataclass(frozen=True)
class LevelRegisters:
    """Which levels of a tree have registers behind them: so many among all of them, as even as can be."""

    stages: int
    levels: int

    def behind(self, level: int) -> bool:
        """Whether there is a register behind this level."""
        return (level + 1) * self.stages // self.levels > level * self.stages // self.levels


def counter_height(inputs: int) -> int:
    """Levels of a counter."""
    sizes = (1, 7, 23, 67, 202, 607, 1822, 5467)
    return next((height for height, size in enumerate(sizes) if inputs <= size), len(sizes))


@lru_cache(maxsize=4096)
def counter_cells(inputs: int, level: int, registers: LevelRegisters, lut_inputs: int) -> Cells:
    """A counter whose count leaves it at a level."""
    if inputs == 0:
        return Cells()
    bits = inputs.bit_length()
    held = Cells(registers=bits if level > 0 and registers.behind(level) else 0)
    height = counter_height(inputs)
    if level > height:
        return held + counter_cells(inputs, level - 1, registers, lut_inputs)
    if height <= 1:
        return held + Cells(_LEAF_TABLES[lut_inputs][inputs])
    *branches, carries = _branches(inputs, height)
    parts = (*branches, *[1] * carries)
    below = [counter_cells(part, level - 1, registers, lut_inputs) for part in parts]
    first, second, third = (branch.bit_length() for branch in branches)
    needed = first if third == 0 else max(first, second + 1)
    numbers = 3 if third else 2
    adder = adder_tables(min(needed, bits), max(first, second), numbers, 1, carries - 1, lut_inputs)
    return sum(below, held + Cells(adder))


def _branches(inputs: int, height: int) -> tuple[int, int, int, int]:
    """Inputs of the three branches of a counter of two levels or more, and those that are carries of its adder."""
    full, carries = _FULL_TREES[height - 2], 2 if inputs == 23 else 1
    first = min(full, inputs - 1 - carries) if full >= inputs - carries else full
    rest = inputs - carries - first
    second = min(full, rest)
    return first, second, rest - second, carries


def adder_tables(width: int, added: int, numbers: int, carry: int, second_carry: int, lut_inputs: int) -> int:
    """Tables of `rtl/bnn_ternary_adder.sv`: of so many numbers, of which all but the first have `added` bits."""
    if lut_inputs == 6:
        return width + second_carry
    # A position on the chain, one for the carry that leaves, and one for the carry that enters.
    chain = width + 1 + carry
    return chain + (2 * min(max(1, added), width) if numbers == 3 else 0)


def full_adders(bits: int, kept: int) -> int:
    """Full adders that leave so many bits (`rtl/bnn_full_adders.sv`)."""
    return max(0, (bits - kept + 1) // 2)


def full_adder_tables(lut_inputs: int) -> int:
    """Tables of a full adder."""
    return _LEAF_TABLES[lut_inputs][3]


@lru_cache(maxsize=4096)
def accumulator_cells(
    bits: int, counted: int, place: int, stages: int, lut_inputs: int, *, one_step: bool = False
) -> Cells:
    """The counters and the adder of `rtl/bnn_accumulator.sv`, with the register of the sum."""
    direct = 0 if place else _direct(counted)
    rest = counted - direct
    second = _second_counter(rest)
    first = rest - second
    height = counter_height(max(1, first, second))
    registers = LevelRegisters(stages, height + 1)
    counters = [counter_cells(inputs, height, registers, lut_inputs) for inputs in (first, second)]
    # Bits as they enter, and what waits for the counts: carries, or bits of lower weights.
    waiting = stages * (2 * place + 1 if place else direct)
    if stages == height + 1:
        waiting += rest
    longest = place + max(first, second).bit_length()
    enters = 1 if direct or place else 0
    adder = adder_tables(bits, longest, 3, enters, 1 if direct == 2 else 0, lut_inputs)
    return sum(counters, Cells(adder, waiting + (0 if one_step else bits)))


def _direct(counted: int) -> int:
    """Bits to count that enter the adder as its carries."""
    return 2 if counted in _MOST_DIRECT else 1 if counted in (3, 5) or counted > 8 else 0


def _second_counter(rest: int) -> int:
    """Inputs of the smaller of two counters."""
    if rest <= 1:
        return 0
    if rest <= 8:
        return 1
    if rest <= 14:
        return rest - 7
    return next((size for most, size in _SECOND if rest <= most), _SECOND[-1][1])
