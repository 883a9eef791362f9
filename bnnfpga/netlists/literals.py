"""Bits of a netlist and their complements as numbers, and adders of them that are made once for all complements.

The carry of three bits changes into its complement when all three do, and their parity when any one does: up to
complements, three bits have one parity and four carries, whatever their signs in a sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from bnnfpga.netlists.compressors import count_tables
from bnnfpga.netlists.netlist import ONE, ZERO, Netlist, Signal, luts
from bnnfpga.netlists.truth_tables import complemented

Literal = int
"""Twice a signal, plus 1 for its complement."""
FALSE: Literal = 2 * ZERO
TRUE: Literal = FALSE + 1

_PARITY = 0b10010110
_CARRY = (0b11101000, 0b11010100, 0b10110010, 0b01110001)
"""The majority of three bits, of which none, the first, the second, or both of these are complemented."""


def literal(signal: Signal) -> Literal:
    """The literal of a signal; a constant is `FALSE` or `TRUE`."""
    return TRUE if signal == ONE else 2 * signal


def function(netlist: Netlist, table: int, inputs: Sequence[Literal]) -> Literal:
    """The output of a lookup table of literals."""
    return literal(_table(netlist, table, inputs))


def _table(netlist: Netlist, table: int, inputs: Sequence[Literal]) -> Signal:
    """The same as a signal; complements of the inputs become a part of the table."""
    for place, input in enumerate(inputs):
        if input & 1:
            table = complemented(table, len(inputs), place)
    return netlist.lut(table, *(input >> 1 for input in inputs))


def signals(netlist: Netlist, literals: Sequence[Literal]) -> list[Signal]:
    """The signals of literals; a complement gets a table beside that of its signal, or instead of it."""
    made = {lut.output: lut for lut in luts(netlist.cells)}

    def signal(bit: Literal) -> Signal:
        if not bit & 1:
            return bit >> 1
        if bit >> 1 in made:
            lut = made[bit >> 1]
            return netlist.lut(~lut.table & (1 << (1 << len(lut.inputs))) - 1, *lut.inputs)
        return netlist.lut(0b01, bit >> 1)

    return [signal(bit) for bit in literals]


def full_adder(netlist: Netlist, a: Literal, b: Literal, c: Literal) -> tuple[Literal, Literal]:
    """The sum and the carry of three bits; equal and opposite inputs, and constants, need no cell or a smaller one."""
    a, b, c = sorted((a, b, c))
    if b >> 1 == c >> 1:
        a, b, c = b, c, a
    if a >> 1 == b >> 1:
        return (c, a) if a == b else (c ^ 1, c)
    # Normal form: the last bit, which is no constant, is not complemented.
    flip = c & 1
    sum = literal(netlist.lut(_PARITY, a >> 1, b >> 1, c >> 1)) ^ (a ^ b ^ c) & 1
    form = (a & 1 ^ flip) + 2 * (b & 1 ^ flip)
    return sum, literal(netlist.lut(_CARRY[form], a >> 1, b >> 1, c >> 1)) ^ flip


def chain_counter(netlist: Netlist, bits: Sequence[Literal]) -> tuple[Literal, ...]:
    """The three bits of the number of ones among seven bits, from four tables on a carry chain (`compressors`).

    With its inputs, the number is complemented bit by bit.
    """
    flip = int(sum(bit & 1 for bit in bits) > len(bits) // 2)
    *five, sixth, last = sorted((bit ^ flip for bit in bits), key=lambda bit: ~bit & 1)
    parity, one, two = count_tables(5)
    select = _table(netlist, count_tables(6)[0], (*five, sixth)), _table(netlist, one, five)
    data = _table(netlist, parity, five), _table(netlist, two, five)
    sums, carry = netlist.carry_chain(select, data, last >> 1)
    return tuple(literal(signal) ^ flip for signal in (*sums, carry))
