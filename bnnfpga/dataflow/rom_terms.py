"""The cells of read-only memories of lookup tables, behind whose words there is a register (`rtl/bnn_rom.sv`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.hardware import Memory
from bnnfpga.dataflow.paired_luts import PAIRED_WORDS
from bnnfpga.dataflow.target import Target

_DEPTHS = {
    "rom.words_2": 2,
    "rom.words_4": 4,
    "rom.words_8": 8,
    "rom.words_16": 16,
    "rom.words_32": 32,
    "rom.words_64": 64,
    "rom.words_128": 128,
    "rom.words_256": 256,
    "rom.words_512": 512,
}
"""Words up to which memories have a coefficient of their own; deeper ones are several of the deepest."""

_FEW_WORDS = 16
"""Words up to which bits of a word are often equal."""


@dataclass(frozen=True)
class RomContents:
    """What of a memory of lookup tables synthesis makes: what is equal once, and what is constant not at all.

    Parameters
    ----------
    words
        Its words.
    bits
        Bits of a word that are neither constant nor like others in all words.
    tables
        Tables of them, of so many words each as a table has entries.
    """

    words: int
    bits: float
    tables: float

    @classmethod
    def of(cls, words: NDArray[np.uint8], target: Target) -> RomContents:
        """Of words whose bits have much in common, uint8 (words, bits)."""
        count, width = words.shape
        entries = 1 << target.lut_inputs
        parts = -(-count // entries)
        padded = np.pad(words, ((0, parts * entries - count), (0, 0)), mode="edge")
        tables = padded.reshape(parts, entries, width).swapaxes(0, 1).reshape(entries, -1)
        if parts == 1:
            tables = tables[:count]
        return cls(count, different_columns(words), different_columns(tables))

    @classmethod
    def random(cls, words: int, width: int, target: Target) -> RomContents:
        """Of so many words of so many bits, on average of all such memories."""
        bits: float = width
        if words <= _FEW_WORDS:
            kinds = 1 << words
            bits = (kinds - 2) * -math.expm1(width * math.log1p(-1 / kinds))
        return cls(words, bits, bits * -(-words // (1 << target.lut_inputs)))


def different_columns(columns: NDArray[np.uint8]) -> int:
    """How many columns differ from all others, and are not constant."""
    numbers = _numbers(len(columns))
    sums = np.unique(numbers @ columns)
    return len(sums) - int((sums == 0).any()) - int((sums == numbers.sum()).any())


@cache
def _numbers(count: int) -> NDArray[np.uint64]:
    """So many numbers, of which no two sets of those that occur have the same sum."""
    return np.random.default_rng(0).integers(1 << 63, size=count, dtype=np.uint64)


def rom_terms(contents: RomContents, target: Target) -> CostTerms:
    """A memory of lookup tables; one of a single word takes nothing."""
    if contents.words == 1:
        return CostTerms()
    if target.pairs_luts and contents.words <= PAIRED_WORDS:
        return CostTerms({"rom.pairs": contents.bits / 2}, {"rom.bits": contents.bits})
    name, depth = next((item for item in _DEPTHS.items() if contents.words <= item[1]), ("rom.words_512", 512))
    # In columns of such a depth.
    columns = contents.tables / max(1, depth >> target.lut_inputs)
    return CostTerms({name: columns}, {"rom.bits": contents.bits})


def memory_words_terms(memory: Memory, target: Target) -> CostTerms:
    """A memory of known words."""
    if memory.kind == "block" and memory.words > 1:
        return block_terms(memory.words, memory.varying, target.family)
    return rom_terms(RomContents.of(memory.bits, target), target)


def block_terms(words: int, width: int, family: str, *, stages: int = 1, bank_words: int = 0) -> CostTerms:
    """A memory of block RAM with so many cycles from an address to a word, the first of which is the block's own.

    Of several banks of so many words, one is chosen behind the registers (`rtl/bnn_rom_banks.sv`). `width` bits of a
    word are not constant.
    """
    address = (words - 1).bit_length() if stages > 2 else 0
    if not bank_words:
        second = width if stages > 1 else 0
        return CostTerms(ff={"rom.bits": second + address}, bram18=block_memory(words, width, family).blocks)
    whole, rest = divmod(words, bank_words)
    banks = whole + (1 if rest else 0)
    last = block_memory(rest, width, family).blocks if rest else 0
    blocks = whole * block_memory(bank_words, width, family).blocks + last
    chosen = min(stages, 3) * (banks - 1).bit_length() + (width if stages > 3 else 0)
    registers = (banks * width if stages > 1 else 0) + banks * address + chosen
    return CostTerms({"rom.banks": (banks - 1) * width}, {"rom.bits": registers}, bram18=blocks)
