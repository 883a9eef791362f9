"""The families of FPGAs, and what their logic can do in how much time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fabric:
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


FABRICS: Mapping[str, Fabric] = {
    "xc7": Fabric(6, 850, 600, 2, 3, 28),
    "xcup": Fabric(6, 480, 350, 2, 3, 28),
    "ecp5": Fabric(4, 1350, 800, 3, 5, 7),
    "ice40": Fabric(4, 1600, 1100, 3, 2, 1),
    "gowin": Fabric(4, 1450, 900, 3, 4, 7),
}

FAMILIES = tuple(FABRICS)
"""The families: 7-series, UltraScale+, ECP5, iCE40 and Gowin."""
