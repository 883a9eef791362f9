"""What an accelerator is built for: a family of FPGAs and a clock. Units choose their forms and registers by it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.fabrics import FABRICS, FAMILIES
from bnnfpga.dataflow.memory_kinds import MemoryKind


@dataclass(frozen=True)
class Target:
    """A family of FPGAs and the clock frequency that units aim at.

    Parameters
    ----------
    clock_mhz
        The frequency in MHz.
    family
        One of `FAMILIES`.

    Raises
    ------
    UserError
        If the family is not known.
    """

    clock_mhz: float = 100.0
    family: str = "xc7"

    def __post_init__(self) -> None:
        if self.family not in FABRICS:
            raise UserError(
                f"{shown(self.family)} is not a family of FPGAs", where="--family", hint=f"give {', '.join(FAMILIES)}"
            )

    @property
    def lut_inputs(self) -> int:
        """Inputs of a LUT: 6 or 4."""
        return FABRICS[self.family].lut_inputs

    @property
    def pairs_luts(self) -> bool:
        """Whether a LUT can be two of one input less: those of 6 inputs have a second output."""
        return self.lut_inputs == 6

    @property
    def levels(self) -> int:
        """Logic levels in series, wires included, that fit between two registers; at least 1."""
        fabric = FABRICS[self.family]
        return max(1, (int(1e6 / self.clock_mhz) - fabric.register_ps) // fabric.level_ps)

    def carry_levels(self, bits: int) -> int:
        """Logic levels that a sum or a comparison of numbers of so many bits takes, on a carry chain."""
        return FABRICS[self.family].carry_levels + bits // 32

    def choice_levels(self, choices: int) -> int:
        """Logic levels of choosing one of so many words."""
        bits = (choices - 1).bit_length()
        return -(-bits // 2) if self.lut_inputs == 6 else bits - bits // 3

    def parity_levels(self, bits: int) -> int:
        """Logic levels of the parity of so many bits."""
        levels = 0
        while bits > 1:
            bits, levels = -(-bits // self.lut_inputs), levels + 1
        return levels

    def count_levels(self, bits: int) -> int:
        """Logic levels of the number of set bits among so many."""
        stages = max(0, bits - 1).bit_length()
        return -(-4 * stages // 3) if self.lut_inputs == 6 else 2 * stages

    def product_levels(self, bits: int, other_bits: int) -> int:
        """Logic levels of a product of numbers of so many bits."""
        narrower = min(bits, other_bits)
        return 1 if narrower == 1 else min(5, narrower.bit_length() + self.carry_levels(bits + other_bits))

    def chained_levels(self, products: int, bits: int) -> int:
        """Logic levels of the adders behind so many multipliers, from one to the next, for sums of so many bits."""
        return self.carry_levels(bits) + -(-3 * (products - 1) // 2)

    @property
    def block_levels(self) -> int:
        """Logic levels of a block RAM's output: what it is later than a register's."""
        return FABRICS[self.family].block_levels

    def address_levels(self, words: int, bits: int, kind: MemoryKind) -> int:
        """Logic levels of the address of a read-only memory, of so many words of so many bits: of its wires, mostly.

        In block RAM, they end there; in LUTs, at the words, and they grow with the area of all LUTs.
        """
        if words == 1:
            return 0
        if kind == "distributed":
            tables = -(-words // 2**self.lut_inputs)
            return (1 if tables == 1 else 2) + round(0.1 * math.sqrt(bits * tables))
        return 2 + (block_memory(words, bits, self.family).blocks - 1).bit_length()

    def memory_luts(self, words: int, bits: int) -> int:
        """LUTs of a memory in logic that is written, of so many words of so many bits: a LUT each for small ones."""
        return bits * -(-words // FABRICS[self.family].memory_bits)

    def reached_mhz(self, levels: int) -> float:
        """The clock frequency in MHz with so many logic levels between two registers."""
        fabric = FABRICS[self.family]
        return 1e6 / (fabric.register_ps + levels * fabric.level_ps)


DEFAULT_TARGET = Target()
"""100 MHz on a 7-series FPGA."""
