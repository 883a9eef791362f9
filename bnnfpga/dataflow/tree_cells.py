"""The cells of trees of adders (`rtl/bnn_sum_tree.sv`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bnnfpga.dataflow.counter_cells import Cells, LevelRegisters


@dataclass(frozen=True)
class Numbers:
    """Numbers that are summed: how many, their bits, the largest one."""

    count: int
    bits: int
    largest: int


@lru_cache(maxsize=4096)
def tree_cells(numbers: Numbers, total: int, level: int, registers: LevelRegisters, lut_inputs: int) -> Cells:
    """A tree that leaves two numbers, or one with tables of four inputs; `total` is the largest sum of all."""
    times = 3 if lut_inputs == 6 else 2
    cells = Cells()
    while numbers.count > times - 1:
        threes, twos = _adders(numbers.count, lut_inputs)
        largest = times * numbers.largest if numbers.largest < total // times else total
        bits = largest.bit_length()
        # The highest bit of a sum of three is the last carry.
        of_three = bits if bits <= numbers.bits + 1 else bits - 1
        of_two = of_three if bits < numbers.bits else numbers.bits
        # Without chains of three numbers, a chain has a position for the carry that leaves it.
        tables = threes * of_three + twos * (of_two if lut_inputs == 6 else of_two + 1)
        numbers = Numbers(numbers.count - 2 * threes - twos, bits, largest)
        cells += Cells(tables, numbers.count * bits if registers.behind(level) else 0)
        level += 1
    return cells


def _adders(numbers: int, lut_inputs: int) -> tuple[int, int]:
    """Adders of three and of two numbers, of the first level of a tree."""
    if lut_inputs < 6:
        return 0, numbers // 2
    most = 2
    while 3 * most < numbers:
        most *= 3
    threes, rest = divmod(numbers, 3)
    return threes, 1 if rest == 2 and threes + 2 > most else 0


def tree_levels(numbers: int, lut_inputs: int) -> int:
    """Levels of a tree."""
    most, times = (2, 3) if lut_inputs == 6 else (1, 2)
    levels = 0
    while most < numbers:
        most, levels = most * times, levels + 1
    return levels


def numbers_left(numbers: int, lut_inputs: int) -> int:
    """How many numbers a tree leaves."""
    return min(numbers, 2 if lut_inputs == 6 else 1)
