"""Read-only memories of a few words as lookup tables that hold two of their bits each (`rtl/bnn_rom.sv`).

Two functions of the same five inputs share a LUT of six inputs. Logic synthesis makes a LUT of each bit of a memory,
and pairs none of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import Memory, RtlParameter, RtlVector
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, rtl_only

PAIRED_WORDS = 32
"""The words that a LUT can hold two bits of."""


def stored(target: Target, **memories: RtlParameter) -> UnitParameters:
    """Memories of a module by the parameters that name their files, and those for their tables if these are smaller."""
    tables = {
        f"{name}Luts": paired_luts(memory)
        for name, memory in memories.items()
        if isinstance(memory, Memory) and target.pairs_luts and pairs(memory)
    }
    return rtl_only(**memories, **tables)


def pairs(memory: Memory) -> bool:
    """Whether pairs of bits take fewer LUTs than one for each different bit of the words.

    Synthesis finds no equal bits among pairs, and of each it could share a LUT behind the memory as well.
    """
    if memory.kind != "distributed" or not 1 < memory.words <= PAIRED_WORDS:
        return False
    different = _different_bits(memory)
    return -(-memory.width // 2) + memory.width - different < different


def paired_luts(memory: Memory) -> RtlVector:
    """The tables: of each pair of bits, the 32 words' lower bits, then their upper ones."""
    tables = np.zeros((2 * -(-memory.width // 2), 4), np.uint8)
    tables[: memory.width] = _tables(memory)
    return RtlVector(tuple(tables.reshape(-1).view("<u8").tolist()), 64)


def _different_bits(memory: Memory) -> int:
    """Different bits of the words that are neither constant nor one of the address: LUTs that synthesis makes."""
    free = {table.tobytes() for table in _tables(memory)}
    addresses = np.arange(memory.words)
    known = np.stack([0 * addresses, 0 * addresses + 1, *(addresses >> place & 1 for place in range(5))], axis=1)
    return len(free - {table.tobytes() for table in _tables(Memory("", known.astype(np.uint8), memory.kind))})


def _tables(memory: Memory) -> NDArray[np.uint8]:
    """A table of 32 bits for each bit of a word, uint8 (width, 4); addresses that do not occur may have any word."""
    words = memory.bits[np.arange(PAIRED_WORDS) % memory.words]
    return np.packbits(words, axis=0, bitorder="little").T.copy()
