"""Adding up bits: a heap of bits in columns, compressed by counters on lookup tables and carry chains.

Counters on carry chains are those of Preusser, "Generic and Universal Parallel Matrix Summation with a Flexible
Compression Goal for Xilinx FPGAs" (FPL 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from bnnfpga.netlists.netlist import ZERO, Netlist, Signal
from bnnfpga.netlists.truth_tables import truth_table


@dataclass(frozen=True)
class Counter:
    """Cells that keep a sum: the bits of `inputs` have weight 1, output j has weight 2**j, from `column` on."""

    column: int
    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]


@dataclass
class BitHeap:
    """Bits in columns; those of column c have weight 2**c.

    Parameters
    ----------
    netlist
        The circuit that takes the cells.
    lut_inputs
        Inputs of the family's tables: with 6, counters have a form on carry chains; with 4, they are full adders.
    """

    netlist: Netlist
    lut_inputs: int = 6
    columns: list[list[Signal]] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)
    """What was done, in order: with it, any sum is proven by a walk."""

    def add(self, column: int, *signals: Signal) -> None:
        """Put bits into a column; zeros are left out."""
        while len(self.columns) <= column:
            self.columns.append([])
        self.columns[column] += (signal for signal in signals if signal != ZERO)

    def compress(self, height: int = 2) -> list[tuple[Signal, ...]]:
        """Compress all columns to at most `height` bits, 2 or more, and return them as so many numbers (`rows`)."""
        for size in (self._largest, 1):
            while any(len(column) > max(height, size - 1) for column in self.columns):
                self._round(max(height + 1, size))
        return self.rows(height)

    @property
    def _largest(self) -> int:
        """The most bits that one counter takes."""
        return 7 if self.lut_inputs >= 6 else 3

    def rows(self, count: int) -> list[tuple[Signal, ...]]:
        """The columns as `count` numbers of equal width, where none is higher."""
        filled = [[*column, *[ZERO] * (count - len(column))] for column in self.columns]
        return [tuple(row) for row in zip(*filled, strict=True)] if filled else [()] * count

    def _round(self, size: int) -> None:
        """Count the bits that there are in columns of at least `size`; sums wait for the next round."""
        sums = []
        for column, bits in enumerate(self.columns):
            while len(bits) >= size:
                taken = bits[: self._taken(len(bits))]
                del bits[: len(taken)]
                outputs = self._sum(taken)
                self.counters.append(Counter(column, tuple(taken), outputs))
                sums.append((column, outputs))
        for column, outputs in sums:
            for place, output in enumerate(outputs):
                self.add(column + place, output)

    def _taken(self, height: int) -> int:
        """The bits that the cheapest counter takes from a column: 5 fit in 2 tables of two outputs, 3 in one."""
        return min(height, self._largest) if height >= 5 else 3

    def _sum(self, bits: Sequence[Signal]) -> tuple[Signal, ...]:
        if len(bits) > 5:
            return chain_counter(self.netlist, bits)
        return tuple(self.netlist.lut(table, *bits) for table in count_tables(len(bits)))


def chain_counter(netlist: Netlist, bits: Sequence[Signal]) -> tuple[Signal, ...]:
    """The sum of 6 or 7 bits: two tables with two outputs each, on two places of a carry chain.

    At the first place, the chain adds the sixth bit, the seventh and the parity of the others: where that and the sixth
    are equal, either is the carry. Half the sum of the first five, 0 to 2, is added at the second.
    """
    five, last = bits[:5], bits[6] if len(bits) > 6 else ZERO
    parity, one, two = _CHAIN
    select = (netlist.lut(parity ^ parity << 32 ^ 0xFFFFFFFF00000000, *bits[:6]), netlist.lut(one, *five))
    sums, carry = netlist.carry_chain(select, (netlist.lut(parity, *five), netlist.lut(two, *five)), last)
    return (*sums, carry)


@cache
def count_tables(inputs: int) -> tuple[int, ...]:
    """The tables of the bits of a sum of `inputs` bits."""
    return tuple(
        truth_table(lambda *bits, place=place: sum(bits) >> place & 1, inputs) for place in range(inputs.bit_length())
    )


_CHAIN = (
    count_tables(5)[0],
    truth_table(lambda *bits: sum(bits) in (2, 3), 5),
    truth_table(lambda *bits: sum(bits) >= 4, 5),
)
