"""Counts of equal bits of inputs and constants, of which an address chooses a word: the constants are in the tables.

The sum of a full adder is a parity, and a parity of exclusive-ors is one of inputs, which all outputs share, and one of
constants. So no sum needs a table of its own: the carry of three such bits is a table of their three parities of inputs
and the address, and the count is twice the number of carries and the last parity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.compressors import BitHeap
from bnnfpga.netlists.netlist import ZERO, Netlist, Signal
from bnnfpga.netlists.truth_tables import truth_table


@dataclass(frozen=True, eq=False)
class SharedParity:
    """A bit of each output: a parity of inputs, exclusive-or constants, uint8 (outputs, words)."""

    inputs: Signal
    constants: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class FoldedCounts:
    """Counts as heaps of bits of weight 2, one an output, and bits of weight 1."""

    heaps: tuple[BitHeap, ...]
    parity: SharedParity


def count_equal(
    netlist: Netlist,
    inputs: Sequence[Signal],
    weights: NDArray[np.uint8],
    address: Sequence[Signal],
    parity: SharedParity,
    *,
    lut_inputs: int = 6,
) -> FoldedCounts:
    """Count the inputs that equal the bits of the word that `address` chooses, for each output.

    Parameters
    ----------
    weights
        uint8 (outputs, words, inputs).
    address
        The bits of the word's number, least significant first; at most 3 for a table of 6 inputs.
    parity
        One more bit to be counted, as the last parity of the step before.
    lut_inputs
        Inputs of the family's tables.
    """
    heaps = tuple(BitHeap(netlist, lut_inputs) for _ in weights)
    bits = [SharedParity(signal, 1 - weights[:, :, place]) for place, signal in enumerate(inputs)]
    if parity.inputs != ZERO or parity.constants.any():
        bits.append(parity)
    # A tree of adders: those of three bits first, as long as there are as many.
    while len(bits) > 1:
        taken, bits = bits[:3], bits[3:]
        signals = [bit.inputs for bit in taken]
        tables = _carry_tables(np.stack([bit.constants for bit in taken]), len(address))
        for heap, table in zip(heaps, tables, strict=True):
            heap.add(0, netlist.lut(table, *signals, *address))
        shared = netlist.lut(truth_table(lambda *values: sum(values) & 1, len(signals)), *signals)
        constants = np.bitwise_xor.reduce([bit.constants for bit in taken])
        bits.append(SharedParity(shared, constants))
    return FoldedCounts(heaps, bits[0])


def equal_bits(
    netlist: Netlist,
    inputs: Sequence[Signal],
    weights: NDArray[np.uint8],
    address: Sequence[Signal],
    flags: Sequence[Signal] = (),
    scale: int = 1,
    *,
    lut_inputs: int = 6,
) -> tuple[BitHeap, ...]:
    """The same counts as heaps of `scale` an equal input, for more words: two outputs share the table of an input.

    Each of `flags` says of an equal part of the inputs that all of it counts half.
    """
    heaps = tuple(BitHeap(netlist, lut_inputs) for _ in weights)
    part = len(inputs) // max(1, len(flags))
    for place, signal in enumerate(inputs):
        flag = flags[place // part] if flags else ZERO
        tables = _tables(1 - weights[None, :, :, place], len(address), lambda bits: bits[0])
        for heap, table in zip(heaps, tables, strict=True):
            # The flag is the highest input, with which nothing is counted.
            heap.add(scale - 1, netlist.lut(table, signal, *address, flag))
    half = part * scale // 2
    for heap in heaps:
        for column in range(half.bit_length()):
            heap.add(column, *(flags if half >> column & 1 else ()))
    return heaps


def parity_bits(netlist: Netlist, parity: SharedParity, address: Sequence[Signal]) -> list[Signal]:
    """A shared parity as a bit of each output."""
    tables = _tables(parity.constants[None], len(address), lambda bits: bits[0])
    return [netlist.lut(table, parity.inputs, *address) for table in tables]


def _carry_tables(constants: NDArray[np.uint8], address_bits: int) -> list[int]:
    """For each output the table of the carry of 2 or 3 bits, from their parities of inputs and the address."""
    return _tables(constants, address_bits, lambda bits: (bits.sum(axis=0) > 1).astype(np.uint8))


def _tables(
    constants: NDArray[np.uint8], address_bits: int, function: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> list[int]:
    """Tables of a function of bits, uint8 (bits, outputs, words) of constants; inputs come below the address."""
    bits, outputs, words = constants.shape
    values = np.arange(1 << bits) >> np.arange(bits)[:, None] & 1
    # Addresses that do not occur may choose any word.
    chosen = constants[:, :, np.arange(1 << address_bits) % words]
    entries = function(chosen[..., None] ^ values[:, None, None, :].astype(np.uint8)).reshape(outputs, -1)
    packed = np.packbits(entries, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
