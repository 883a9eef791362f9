"""Block RAM in banks, for deep memories whose words synthesis would choose from several (`rtl/bnn_rom_banks.sv`)."""

from __future__ import annotations

from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.hardware import Memory, MemoryBank


def bank_words(words: int, width: int, family: str) -> int:
    """Words of each bank but the last one, a power of two; 0 for one bank."""
    if block_memory(words, width, family).banks == 1:
        return 0
    bank = 1 << (words - 1).bit_length() - 1
    while block_memory(bank, width, family).banks > 1:
        bank //= 2
    return bank


def banked(memory: Memory, bank: int) -> Memory | MemoryBank:
    """The memory, or one for each bank of so many words."""
    if bank == 0:
        return memory
    parts = [memory.bits[first : first + bank] for first in range(0, memory.words, bank)]
    return MemoryBank(
        memory.name,
        tuple(Memory(f"{memory.name}_{number:03}", bits, memory.kind) for number, bits in enumerate(parts)),
    )
