"""Memories of lookup tables that are written (`ram_style = "distributed"`), as Yosys makes them of a family's cells."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.choice_cells import choice_tables
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.fabrics import FABRICS


@dataclass(frozen=True)
class MemoryCell:
    """A cell with a port for writing and one for reading: its words, the bits of each, and the tables that it takes."""

    words: int
    bits: int
    tables: int


_CELLS = {
    "xc7": (MemoryCell(32, 6, 4), MemoryCell(64, 3, 4)),
    "xcup": (MemoryCell(32, 14, 8), MemoryCell(64, 7, 8)),
    "ecp5": (MemoryCell(16, 4, 6),),
    "gowin": (MemoryCell(16, 4, 4),),
}
"""The cells of the families that have some, the ones of few words first."""


def written_memory(words: int, width: int, family: str) -> CostTerms:
    """A memory of so many words of so many bits; of registers where a family has no cell."""
    if family not in _CELLS:
        return CostTerms({"lut_memory.registers": words * width}, {"lut_memory.registers": words * width})
    cell = next((cell for cell in _CELLS[family] if words <= cell.words), _CELLS[family][-1])
    parts = -(-words // cell.words)
    tables = parts * -(-width // cell.bits) * cell.tables
    choices = width * choice_tables(parts, FABRICS[family].lut_inputs)
    return CostTerms({"lut_memory.tables": tables, "lut_memory.choices": choices})
