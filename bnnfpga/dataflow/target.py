"""What an accelerator is built for: a family of FPGAs and a clock. Units choose their forms and registers by it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.hardware import MemoryKind
from bnnfpga.dataflow.resources import memory_resources


@dataclass(frozen=True)
class _Fabric:
    """The logic of a family, in picoseconds with the wires that go with it.

    The times of ECP5 are those of units alone behind registers, placed and routed by nextpnr (`benchmarks/clock.py`,
    speed grade 6); those of the other families are scaled by their LUTs and carry chains.
    """

    lut_inputs: int
    level_ps: int
    """From a LUT through the wires into the next one."""
    register_ps: int
    """Out of a register, and into one."""
    carry_levels: int
    """A short sum or comparison on a carry chain, in levels."""
    block_levels: int
    """From the clock to the output of a block RAM without a register, in levels."""
    memory_bits: int
    """Of a memory in logic, a LUT's share, with the multiplexers that deep memories need."""


_FABRICS: Mapping[str, _Fabric] = {
    "xc7": _Fabric(6, 850, 600, 2, 3, 28),
    "xcup": _Fabric(6, 480, 350, 2, 3, 28),
    "ecp5": _Fabric(4, 1350, 800, 3, 5, 7),
    "ice40": _Fabric(4, 1600, 1100, 3, 2, 1),
    "gowin": _Fabric(4, 1450, 900, 3, 4, 7),
}

FAMILIES = tuple(_FABRICS)
"""The families: 7-series, UltraScale+, ECP5, iCE40 and Gowin."""


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
        if self.family not in _FABRICS:
            raise UserError(
                f"{shown(self.family)} is not a family of FPGAs", where="--family", hint=f"give {', '.join(FAMILIES)}"
            )

    @property
    def lut_inputs(self) -> int:
        """Inputs of a LUT: 6 or 4."""
        return _FABRICS[self.family].lut_inputs

    @property
    def levels(self) -> int:
        """Logic levels in series, wires included, that fit between two registers; at least 1."""
        fabric = _FABRICS[self.family]
        return max(1, (int(1e6 / self.clock_mhz) - fabric.register_ps) // fabric.level_ps)

    def carry_levels(self, bits: int) -> int:
        """Logic levels that a sum or a comparison of numbers of so many bits takes, on a carry chain."""
        return _FABRICS[self.family].carry_levels + bits // 32

    def choice_levels(self, choices: int) -> int:
        """Logic levels of choosing one of so many words."""
        bits = (choices - 1).bit_length()
        return -(-bits // 2) if self.lut_inputs == 6 else bits - bits // 3

    def count_levels(self, bits: int) -> int:
        """Logic levels of the number of set bits among so many."""
        stages = max(0, bits - 1).bit_length()
        return -(-4 * stages // 3) if self.lut_inputs == 6 else 2 * stages

    def product_levels(self, bits: int, other_bits: int) -> int:
        """Logic levels of a product of numbers of so many bits."""
        narrower = min(bits, other_bits)
        return 1 if narrower == 1 else min(5, narrower.bit_length() + self.carry_levels(bits + other_bits))

    @property
    def block_levels(self) -> int:
        """Logic levels of a block RAM's output: what it is later than a register's."""
        return _FABRICS[self.family].block_levels

    def address_levels(self, words: int, bits: int, kind: MemoryKind) -> int:
        """Logic levels of the address of a read-only memory, of so many words of so many bits: of its wires, mostly.

        In block RAM, they end there; in LUTs, at the words, and they grow with the area of all LUTs.
        """
        if words == 1:
            return 0
        if kind == "distributed":
            tables = -(-words // 2**self.lut_inputs)
            return (1 if tables == 1 else 2) + round(0.1 * math.sqrt(bits * tables))
        return 2 + (memory_resources(words, bits, kind)["bram18"] - 1).bit_length()

    def memory_luts(self, words: int, bits: int) -> int:
        """LUTs of a memory in logic that is written, of so many words of so many bits: a LUT each for small ones."""
        return bits * -(-words // _FABRICS[self.family].memory_bits)

    def reached_mhz(self, levels: int) -> float:
        """The clock frequency in MHz with so many logic levels between two registers."""
        fabric = _FABRICS[self.family]
        return 1e6 / (fabric.register_ps + levels * fabric.level_ps)


DEFAULT_TARGET = Target()
"""100 MHz on a 7-series FPGA."""
