"""The cells that Yosys maps to in each FPGA family, and what each of them takes of the FPGA."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class WideMux:
    """A multiplexer behind LUTs: its two data inputs, and the cells that may drive them from inside its slice."""

    legs: tuple[str, str]
    drivers: frozenset[str]


@dataclass(frozen=True)
class CarryCell:
    """A cell of a carry chain.

    Parameters
    ----------
    bits
        Its positions.
    select, outputs
        The ports with one bit per position: that which only the position's own LUT can drive, and the outputs; empty
        where the cell brings its LUTs along.
    luts
        The LUTs that it brings along.
    operands, carry_in
        Where a LUT and a carry share their inputs: the operands of the carry with the LUT's inputs of the same wires,
        and the LUT's input for the incoming carry.
    """

    bits: int
    select: str = ""
    outputs: tuple[str, ...] = ()
    luts: int = 0
    operands: tuple[tuple[str, str], ...] = ()
    carry_in: tuple[str, str] | None = None


@dataclass(frozen=True)
class CellLibrary:
    """The cells of a family.

    Parameters
    ----------
    luts
        LUTs with the number of their inputs; an inverter is a LUT.
    memories
        LUT memories and shift registers, with the LUTs that they take.
    block_rams
        Block RAMs, in the family's smallest blocks.
    dsps
        DSP blocks, in the family's smallest ones (of Gowin, multipliers of 9 x 9 bits).
    registers
        Pattern of the names of flip-flops.
    carries, muxes
        Carry cells and wide multiplexers.
    address
        Pattern of the names of ports that lead through a LUT memory.
    fractured
        Whether a LUT can serve as two smaller ones, so that fewer logic cells than LUTs are occupied.
    """

    luts: Mapping[str, int]
    memories: Mapping[str, int]
    block_rams: Mapping[str, int]
    dsps: Mapping[str, int]
    registers: str
    carries: Mapping[str, CarryCell]
    muxes: Mapping[str, WideMux] = field(default_factory=dict)
    address: str = r"(?!)"
    fractured: bool = False

    @cached_property
    def logic(self) -> frozenset[str]:
        """The cells whose outputs follow all of their inputs."""
        return frozenset((*self.luts, *self.carries, *self.muxes))

    def is_register(self, kind: str) -> bool:
        return re.fullmatch(self.registers, kind) is not None


_LUTS6 = {"INV": 1, "LUT1": 1, "LUT2": 2, "LUT3": 3, "LUT4": 4, "LUT5": 5, "LUT6": 6, "LUT6_2": 6}
_FRACTURED = frozenset({"LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2"})
_XILINX_MEMORIES = {
    "RAM16X1S": 1,
    "RAM16X1D": 2,
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM32X16DR8": 8,
    "RAM64X8SW": 8,
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
}
_XILINX_MUXES = {
    "MUXF7": WideMux(("I0", "I1"), _FRACTURED),
    "MUXF8": WideMux(("I0", "I1"), frozenset({"MUXF7"})),
    "MUXF9": WideMux(("I0", "I1"), frozenset({"MUXF8"})),
}


def _xilinx(series: str, carry: str, bits: int) -> CellLibrary:
    return CellLibrary(
        luts=_LUTS6,
        memories=_XILINX_MEMORIES,
        block_rams={f"RAMB18{series}": 1, f"RAMB36{series}": 2},
        registers=r"FD[RSCP]E(_1)?|LD[CP]E",
        dsps={f"DSP48{series}": 1},
        carries={carry: CarryCell(bits, select="S", outputs=("O", "CO"))},
        muxes=_XILINX_MUXES,
        address=r"A\d*|ADDR[A-H]|DPRA\d*",
        fractured=True,
    )


_LUT4 = frozenset({"LUT4"})
LIBRARIES: Mapping[str, CellLibrary] = {
    "xc7": _xilinx("E1", "CARRY4", 4),
    "xcup": _xilinx("E2", "CARRY8", 8),
    "ecp5": CellLibrary(
        luts={"INV": 1, "LUT2": 2, "LUT4": 4},
        # Two slices hold the bits; the LUTs of a third take the writes.
        memories={"TRELLIS_DPR16X4": 6},
        block_rams={"DP16KD": 1, "PDPW16KD": 1},
        registers="TRELLIS_FF",
        dsps={"MULT18X18D": 1},
        carries={"CCU2C": CarryCell(2, luts=2)},
        muxes={
            "PFUMX": WideMux(("ALUT", "BLUT"), _LUT4),
            "L6MUX21": WideMux(("D0", "D1"), frozenset({"PFUMX", "L6MUX21"})),
        },
        address="RAD",
    ),
    "ice40": CellLibrary(
        luts={"SB_LUT4": 4},
        memories={},
        block_rams=dict.fromkeys(("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW"), 1),
        registers=r"SB_DFF\w*",
        dsps={"SB_MAC16": 1},
        carries={"SB_CARRY": CarryCell(1, operands=(("I0", "I1"), ("I1", "I2")), carry_in=("CI", "I3"))},
    ),
    "gowin": CellLibrary(
        luts={"INV": 1, "LUT1": 1, "LUT2": 2, "LUT3": 3, "LUT4": 4},
        memories={"RAM16S1": 1, "RAM16S2": 2, "RAM16S4": 4, "RAM16SDP1": 1, "RAM16SDP2": 2, "RAM16SDP4": 4},
        block_rams=dict.fromkeys(("SP", "SPX9", "DPB", "DPX9B", "SDPB", "SDPX9B", "pROM", "pROMX9"), 1),
        registers=r"DFF\w*|DL\w*",
        dsps={"MULT9X9": 1, "MULT18X18": 2, "MULT36X36": 8},
        carries={"ALU": CarryCell(1, luts=1)},
        muxes={
            "MUX2_LUT5": WideMux(("I0", "I1"), frozenset({"LUT1", "LUT2", "LUT3", "LUT4"})),
            "MUX2_LUT6": WideMux(("I0", "I1"), frozenset({"MUX2_LUT5"})),
            "MUX2_LUT7": WideMux(("I0", "I1"), frozenset({"MUX2_LUT6"})),
            "MUX2_LUT8": WideMux(("I0", "I1"), frozenset({"MUX2_LUT7"})),
        },
        address="AD|RAD",
    ),
}
"""The cells by family (`bnnfpga.dataflow.target`)."""
