"""Read-only memories of a few words as lookup tables that hold two of their bits each (`rtl/bnn_rom.sv`).

Two functions of the same five inputs share a LUT of six inputs. Logic synthesis makes a LUT of each bit of a memory,
and pairs none of them.
"""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.hardware import Memory, RtlParameter, RtlVector
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, rtl_only

PAIRED_WORDS = 32
"""The words that a LUT can hold two bits of."""
_CONSTANTS = (bytes(PAIRED_WORDS // 8), b"\xff" * (PAIRED_WORDS // 8))
_MOST_TABLES = (1 << 16) - len(_CONSTANTS)
"""Tables that a place of 16 bits can name."""


def stored(target: Target, **memories: RtlParameter) -> UnitParameters:
    """Memories of a module by the parameters that name their files, and those for their tables if these are smaller."""
    tables = {
        f"{name}Luts": paired_luts(memory)
        for name, memory in memories.items()
        if isinstance(memory, Memory) and target.pairs_luts and pairs(memory)
    }
    return rtl_only(**memories, **tables)


def pairs(memory: Memory) -> bool:
    """Whether pairs of bits take fewer LUTs than one for each."""
    if memory.kind != "distributed" or not 1 < memory.words <= PAIRED_WORDS:
        return False
    return 1 < len(_different(memory)) <= _MOST_TABLES


def paired_luts(memory: Memory) -> RtlVector:
    """The tables of all different bits, two at a time, and for each bit of a word the place of its own."""
    tables = _different(memory)
    numbers = {table: number for number, table in enumerate([*_CONSTANTS, *tables])}
    places = np.zeros(-(-memory.width // 4) * 4, "<u2")
    places[: memory.width] = [numbers[table] for table in _tables(memory)]
    odd = _CONSTANTS[0] if len(tables) % 2 else b""
    values = np.frombuffer(b"".join([*tables, odd, places.tobytes()]), "<u8")
    return RtlVector(tuple(values.tolist()), 64)


def _different(memory: Memory) -> list[bytes]:
    """The tables of the bits of the words, each once, without constants."""
    return [table for table in dict.fromkeys(_tables(memory)) if table not in _CONSTANTS]


def _tables(memory: Memory) -> list[bytes]:
    """A table of 32 bits for each bit of a word; addresses that do not occur may have any word."""
    words = memory.bits[np.arange(PAIRED_WORDS) % memory.words]
    return [table.tobytes() for table in np.packbits(words, axis=0, bitorder="little").T]
