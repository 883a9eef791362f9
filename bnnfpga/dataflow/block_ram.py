"""Block RAMs by family, and how many of them Yosys takes for a memory (its pass `memory_libmap`).

A block has one of several widths, with fewer words the wider it is. A memory of more words than a block is in banks,
one of which is chosen by the upper bits of the address. Where the bits of a bank's words are no multiple of the width,
those that are left share a block with the next bank's first ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_CHOICE_COST = 0.5
"""What Yosys takes for choosing a bit of two banks, or for enabling one of several banks, relative to `_Mode.cost`."""
_BYTE = 9
"""Bits that are written together, in the blocks that have a parity bit."""


@dataclass(frozen=True)
class _Mode:
    """A way to use a block.

    Parameters
    ----------
    words
        Words of the narrowest width, which halve with each wider one.
    widths
        The widths, in bits.
    cost
        What Yosys takes it for, to choose by.
    blocks
        How many block RAMs it counts as.
    byte
        Bits that are written together; in each bank, these are whole.
    least_written
        The narrowest width that can be written.
    """

    words: int
    widths: tuple[int, ...]
    cost: int
    blocks: int = 1
    byte: int = _BYTE
    least_written: int = 1


_NARROW = (1, 2, 4, 9, 18)
_WIDE = (*_NARROW, 36)
_XILINX = (
    _Mode(16384, _NARROW, 129),
    _Mode(32768, _WIDE, 257, 2),
    _Mode(16384, _WIDE, 129),
    _Mode(32768, (*_WIDE, 72), 257, 2),
)
_MODES: Mapping[str, tuple[_Mode, ...]] = {
    # RAMB18 and RAMB36, of two read-write ports, then of one port for each; of 7-series, two of these as one.
    "xc7": (*_XILINX[:2], _Mode(65536, (1,), 513, 4), *_XILINX[2:]),
    "xcup": _XILINX,
    # DP16KD and PDPW16KD.
    "ecp5": (_Mode(16384, _NARROW, 128), _Mode(16384, _WIDE, 128, least_written=9)),
    # SB_RAM40_4K.
    "ice40": (_Mode(2048, (2, 4, 8, 16), 64, byte=1),),
    # SP, DPB and SDPB, and those with parity bits.
    "gowin": (_Mode(16384, _WIDE, 128),),
}
"""The modes by family, in the order in which Yosys prefers them where they cost the same."""


@dataclass(frozen=True)
class BlockMemory:
    """What Yosys makes of a memory: so many block RAMs of the family, in so many banks."""

    blocks: int
    banks: int


@cache
def block_memory(words: int, width: int, family: str, *, written: bool = False) -> BlockMemory:
    """A memory in block RAM, of so many words of so many bits that are not constant; `written` unless only read."""
    if not width:
        return BlockMemory(0, 1)
    found = []
    for mode in _MODES[family]:
        for index, unit in enumerate(mode.widths):
            if written and unit < mode.least_written:
                continue
            banks = -(-words * 2**index // mode.words)
            byte = min(mode.byte, unit) if written else 1
            units = -(-banks * (-(-width // byte) * byte) // unit)
            chosen = (banks - 1) * width + (banks if written and banks > 1 else 0)
            found.append((mode.cost * units + _CHOICE_COST * chosen, mode.blocks * units, banks))
    _, blocks, banks = min(found, key=lambda item: item[0])
    return BlockMemory(blocks, banks)
