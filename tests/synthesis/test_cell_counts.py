"""Netlists of FPGA cells, written by hand, are counted as the FPGA would hold them."""

from __future__ import annotations

from typing import Any

import pytest

from bnnfpga.synthesis.cell_counts import CellCounts, count_cells
from bnnfpga.synthesis.cells import LIBRARIES
from bnnfpga.synthesis.mapped_netlist import Bit, MappedNetlist
from bnnfpga.synthesis.path_length import logic_depth

OUTPUTS = {"O", "O5", "O6", "CO", "Q", "DO", "DOA", "Z", "S1", "SUM", "COUT", "F"}


def netlist(*cells: tuple[str, dict[str, Bit | list[Bit]]], outputs: list[Bit] | None = None) -> MappedNetlist:
    """A module of these cells, each with its ports' wires; `outputs` are read outside."""
    entries: dict[str, Any] = {}
    for index, (kind, ports) in enumerate(cells):
        connections = {port: bits if isinstance(bits, list) else [bits] for port, bits in ports.items()}
        directions = {port: "output" if port in OUTPUTS else "input" for port in ports}
        entries[f"cell{index}"] = {"type": kind, "connections": connections, "port_directions": directions}
    port = {"direction": "output", "bits": outputs or []}
    return MappedNetlist({"cells": entries, "ports": {"y": port}, "netnames": {}})


def count(*cells: tuple[str, dict[str, Bit | list[Bit]]], family: str = "xc7", outputs: list[Bit]) -> CellCounts:
    return count_cells(netlist(*cells, outputs=outputs), LIBRARIES[family])


def adder(select: list[Bit], *, outputs: list[Bit] | None = None) -> tuple[str, dict[str, Bit | list[Bit]]]:
    ports: dict[str, Bit | list[Bit]] = {"S": select, "DI": [1, 2, 3, 4], "CI": "0", "CYINIT": "0"}
    return "CARRY4", {**ports, "O": outputs or [91, 92, 93, 94], "CO": [95, 96, 97, 98]}


def lut(inputs: int, output: int) -> tuple[str, dict[str, Bit | list[Bit]]]:
    return f"LUT{inputs}", {**{f"I{index}": 1 + index for index in range(inputs)}, "O": output}


def test_a_carry_takes_the_luts_that_drive_it() -> None:
    four = [lut(2, wire) for wire in (21, 22, 23, 24)]
    counted = count(*four, adder([21, 22, 23, 24]), outputs=[94])
    assert (counted.lut, counted.carry) == (4, 1)


def test_a_carry_that_no_lut_drives_takes_one_as_a_route() -> None:
    """From a register, from an input, from a constant, and from a LUT that another position has taken."""
    register = "FDRE", {"D": 5, "Q": 22}
    counted = count(register, lut(2, 21), adder([21, 22, "0", 21]), outputs=[94])
    assert (counted.lut, counted.ff) == (1 + 3, 1)


def test_positions_that_nobody_reads_take_nothing() -> None:
    assert count(lut(2, 21), adder([21, 6, "0", "0"]), outputs=[91]).lut == 1
    assert count(lut(2, 21), adder([21, 6, "0", "0"]), outputs=[92]).lut == 2
    assert count(lut(2, 21), adder([21, 6, "0", "0"]), outputs=[97]).lut == 3


def test_the_lower_output_of_a_double_lut_reaches_no_carry() -> None:
    double = "LUT6_2", {**{f"I{index}": index + 1 for index in range(6)}, "O5": 31, "O6": 32}
    assert count(double, adder([32, "0", "0", "0"]), outputs=[91]).lut == 1
    assert count(double, adder([31, "0", "0", "0"]), outputs=[91]).lut == 2


@pytest.mark.parametrize(
    ("legs", "more", "luts"),
    [
        ([21, 22], [], 2),
        ([21, 5], [], 2 + 1),
        ([21, "1"], [], 2 + 1),
        ([21, 22], [21], 2 + 1),
        ([21, 21], [], 2 + 2),
    ],
    ids=["both", "an input", "a constant", "read elsewhere", "twice the same"],
)
def test_a_leg_of_a_wide_multiplexer_is_a_lut_of_its_own(legs: list[Bit], more: list[Bit], luts: int) -> None:
    mux = "MUXF7", {"I0": legs[0], "I1": legs[1], "S": 6, "O": 31}
    counted = count(lut(6, 21), lut(6, 22), mux, outputs=[31, *more])
    assert (counted.lut, counted.muxf) == (luts, 1)


def test_wider_multiplexers_stand_behind_smaller_ones() -> None:
    pair = [lut(6, 21), lut(6, 22), ("MUXF7", {"I0": 21, "I1": 22, "S": 6, "O": 31})]
    assert count(*pair, ("MUXF8", {"I0": 31, "I1": 5, "S": 6, "O": 41}), outputs=[41]).lut == 3


def test_memories_take_luts() -> None:
    """Those of a carry's select must pass another LUT."""
    memory = "RAM32M", {"ADDRA": [1, 2], "DOA": [51, 52]}
    counted = count(memory, ("SRL16E", {"D": 1, "Q": 53}), adder([51, "0", "0", "0"]), outputs=[91])
    assert (counted.lut, counted.lut_memory, counted.logic_cells) == (6, 5, 6)


def test_inverters_are_luts() -> None:
    assert count(("INV", {"I": 1, "O": 21}), outputs=[21]).lut == 1


def test_small_functions_share_logic_cells() -> None:
    """As Yosys' `stat -tech xilinx` estimates for the same cells (251), and the double LUTs that it does not count."""
    numbers = {6: 160, 5: 28, 4: 15, 3: 44, 2: 66}
    cells = [lut(inputs, 0) for inputs, number in numbers.items() for _ in range(number)]
    assert count(*cells, outputs=[]).logic_cells == 251
    double = "LUT6_2", {"I0": 1, "O5": 31, "O6": 32}
    assert count(*cells, double, outputs=[]).logic_cells == 252


def test_blocks() -> None:
    counted = count(("RAMB18E1", {}), ("RAMB36E1", {}), ("DSP48E1", {}), ("FDSE", {}), outputs=[])
    assert (counted.bram18, counted.dsp, counted.ff, counted.lut) == (3, 1, 1, 0)


def test_a_carry_of_ice40_shares_its_cell_with_the_lut_of_the_same_operands() -> None:
    carry = "SB_CARRY", {"I0": 1, "I1": 2, "CI": 3, "CO": 61}
    fits = "SB_LUT4", {"I0": "0", "I1": 1, "I2": 2, "I3": 3, "O": 21}
    other = "SB_LUT4", {"I0": "0", "I1": 2, "I2": 1, "I3": 3, "O": 21}
    assert count(carry, fits, family="ice40", outputs=[21]).lut == 1
    assert count(carry, other, family="ice40", outputs=[21]).lut == 2
    assert count(carry, carry, fits, family="ice40", outputs=[21]).lut == 2


def test_cells_of_lattice_and_gowin_bring_their_luts() -> None:
    assert count(("CCU2C", {"A0": 1, "S1": 31}), family="ecp5", outputs=[31]).lut == 2
    assert count(("ALU", {"I0": 1, "SUM": 31}), family="gowin", outputs=[31]).lut == 1
    legs = {"ALUT": 21, "BLUT": 5, "C0": 6, "Z": 31}
    assert count(("LUT4", {"A": 1, "Z": 21}), ("PFUMX", legs), family="ecp5", outputs=[31]).lut == 2


def test_depth_counts_cells_between_registers() -> None:
    chain = [lut(1, 2), ("LUT2", {"I0": 2, "I1": 1, "O": 3}), ("FDRE", {"D": 3, "Q": 4}), ("INV", {"I": 4, "O": 5})]
    assert logic_depth(netlist(*chain), LIBRARIES["xc7"]) == 2
    memory = "RAM32X1D", {"A0": 5, "D": 3, "DPRA0": 5, "Q": 6}
    behind = "LUT1", {"I0": 6, "O": 7}
    assert logic_depth(netlist(*chain, memory, behind), LIBRARIES["xc7"]) == 3
    itself = "LUT6_2", {"I0": 8, "O5": 8, "O6": 9}
    assert logic_depth(netlist(itself), LIBRARIES["xc7"]) == 1
