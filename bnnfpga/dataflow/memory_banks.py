"""Block RAM in two banks, for memories whose words are no power of two (`rtl/bnn_rom_banks.sv`)."""

from __future__ import annotations

from bnnfpga.dataflow.hardware import Memory, MemoryBank
from bnnfpga.dataflow.resources import block_rams


def first_bank(words: int, width: int) -> int:
    """Words of the first of two banks; 0 where one takes as few block RAMs without a multiplexer behind them.

    The first has the largest power of two of words, the second the others. No bit of a bank is chosen from several
    block RAMs.
    """
    first = 1 << words.bit_length() - 1
    if first == words:
        return 0
    one, two = block_rams(words, width), block_rams(first, width) + block_rams(words - first, width)
    return first if two < one else 0


def banked(memory: Memory, first: int) -> Memory | MemoryBank:
    """The memory, or two with its first words and the others."""
    if first == 0:
        return memory
    parts = enumerate((memory.bits[:first], memory.bits[first:]))
    return MemoryBank(memory.name, tuple(Memory(f"{memory.name}_{bank:03}", bits, memory.kind) for bank, bits in parts))
