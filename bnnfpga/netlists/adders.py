"""Numbers that are added or compared, at one place of a carry chain a bit."""

from __future__ import annotations

from collections.abc import Sequence

from bnnfpga.netlists.netlist import LUT_INPUTS, ONE, ZERO, Netlist, Signal
from bnnfpga.netlists.truth_tables import truth_table

Operand = tuple[int, tuple[Signal, ...]]
"""A bit as a table of signals, which the adder's own tables take in: with up to two signals for nothing."""


def bit(signal: Signal) -> Operand:
    """A signal as an operand."""
    return 0b10, (signal,)


def add(netlist: Netlist, a: Sequence[Signal], b: Sequence[Signal], carry_in: Signal = ZERO) -> tuple[Signal, ...]:
    """The sum of two numbers, one bit wider than the wider one."""
    width = max(len(a), len(b))
    a, b = (_filled(number, width) for number in (a, b))
    sums, carry = netlist.carry_chain([netlist.lut(0b0110, *pair) for pair in zip(a, b, strict=True)], a, carry_in)
    return (*sums, carry)


def add_three(
    netlist: Netlist, first: Sequence[Operand], b: Sequence[Signal], c: Sequence[Signal]
) -> tuple[Signal, ...]:
    """The sum of three numbers, modulo 2 to the power of the first one's width.

    A place's majority, of weight 2, is added at the next place: both outputs of a table are in use.
    """
    select, data, below = [], [], ZERO
    for (table, inputs), *two in zip(first, _filled(b, len(first)), _filled(c, len(first)), strict=True):
        size = len(inputs)

        def operands(*bits: int, table: int = table, size: int = size) -> tuple[int, ...]:
            return (table >> sum(value << place for place, value in enumerate(bits[:size])) & 1, *bits[size:])

        parity = truth_table(lambda *bits: sum(operands(*bits)) & 1, size + 3)
        majority = truth_table(lambda *bits: sum(operands(*bits)) >> 1, size + 2)
        select.append(netlist.lut(parity, *inputs, *two, below))
        data.append(below)
        below = netlist.lut(majority, *inputs, *two)
    sums, _ = netlist.carry_chain(select, data)
    return sums


def at_least(
    netlist: Netlist, value: Sequence[Signal], bounds: Sequence[int], address: Sequence[Signal] = ()
) -> Signal:
    """Whether an unsigned number reaches the constant that `address` chooses: a few bits a table, lowest first."""
    reached, low = ONE, 0
    if len(address) > LUT_INPUTS - 2:
        raise ValueError(f"{len(address)} bits of an address leave no place for others in a table")
    while low < len(value):
        taken = value[low : low + LUT_INPUTS - len(address) - (low > 0)]
        is_last = low + len(taken) == len(value)
        parts = [bound >> low if is_last else bound >> low & (1 << len(taken)) - 1 for bound in bounds]

        def reaches(*bits: int, parts: Sequence[int] = parts, size: int = len(taken)) -> int:
            number = sum(value << place for place, value in enumerate(bits[:size]))
            chosen = sum(value << place for place, value in enumerate(bits[size:-1]))
            # An address that does not occur may choose anything.
            return number + bits[-1] > parts[chosen % len(parts)]

        reached = netlist.lut(truth_table(reaches, len(taken) + len(address) + 1), *taken, *address, reached)
        low += len(taken)
    return reached


def _filled(number: Sequence[Signal], width: int) -> list[Signal]:
    """A number with zeros above it, or without its highest bits."""
    return [*number, *[ZERO] * (width - len(number))][:width]
