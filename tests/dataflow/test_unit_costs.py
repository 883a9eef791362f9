"""Estimates of units against what Yosys 0.70 made of them, and the counts of cells that they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.dataflow.counter_cells import LevelRegisters, accumulator_cells, counter_cells, full_adders
from bnnfpga.dataflow.lut_memory import written_memory
from bnnfpga.dataflow.rom_terms import RomContents, block_terms, rom_terms
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.tree_cells import Numbers, tree_cells, tree_levels
from tests.dataflow.measured_units import UNITS

MEASURED = {
    "xc7": {
        "signs": (287, 315, 0, 0),
        "sums": (195, 187, 4, 0),
        "padded": (230, 305, 0, 0),
        "planes": (229, 212, 0, 0),
        "logic": (212, 138, 0, 0),
        "unfolded": (207, 159, 0, 0),
        "depthwise": (139, 77, 0, 0),
    },
    "ecp5": {
        "signs": (566, 309, 0, 0),
        "sums": (390, 349, 4, 0),
        "padded": (456, 305, 0, 0),
        "planes": (455, 237, 0, 0),
        "logic": (730, 152, 0, 0),
        "unfolded": (689, 177, 0, 0),
        "depthwise": (186, 77, 0, 0),
    },
}
"""LUTs, flip-flops, block RAMs and DSP blocks of `UNITS`."""
NO_REGISTERS = LevelRegisters(0, 4)


@pytest.mark.parametrize("family", MEASURED)
def test_estimates_are_near_what_was_measured(family: str) -> None:
    errors = []
    for name, (lut, ff, blocks, slices) in MEASURED[family].items():
        estimate = UNITS[name].built_for(Target(family=family)).resources()
        assert (estimate["bram18"], estimate["dsp"]) == (blocks, slices), name
        errors += [abs(estimate["lut"] / lut - 1), abs(estimate["ff"] / ff - 1)]
    assert max(errors) <= 0.3
    assert np.median(errors) <= 0.1


def test_counters_have_the_cells_of_their_modules() -> None:
    # A leaf of seven is two positions of a chain; 22 inputs are three of them, an adder of 4 positions, and its carry.
    assert counter_cells(7, 1, NO_REGISTERS, 6).tables == 2
    assert counter_cells(22, 2, NO_REGISTERS, 6).tables == 3 * 2 + 4
    # With tables of four inputs, seven tables count seven bits.
    assert counter_cells(7, 1, NO_REGISTERS, 4).tables == 7
    # Three stages among four levels: registers behind levels 1, 2 and 3, of the counts there.
    every = LevelRegisters(4, 4)
    assert counter_cells(7, 1, every, 6).registers == 3
    assert counter_cells(22, 2, every, 6).registers == 5 + 3 * 3 + 1
    assert counter_cells(0, 3, every, 6).tables == 0


def test_accumulators_keep_their_sums_unless_a_pass_has_one_step() -> None:
    sums, alone = (accumulator_cells(8, 16, 0, 1, 6, one_step=one_step) for one_step in (False, True))
    assert sums.tables == alone.tables
    assert sums.registers - alone.registers == 8


@pytest.mark.parametrize(("bits", "kept", "adders"), [(9, 3, 3), (3, 3, 0), (4, 3, 1), (1, 2, 0)])
def test_full_adders_take_two_bits_away_each(bits: int, kept: int, adders: int) -> None:
    assert full_adders(bits, kept) == adders


def test_trees_add_three_numbers_where_a_table_has_six_inputs() -> None:
    six, four = (tree_cells(Numbers(6, 4, 15), 90, 0, NO_REGISTERS, inputs) for inputs in (6, 4))
    # Two adders of three with five positions; or three of two, one of two and one of what is left, with carries.
    assert six.tables == 2 * 5
    assert four.tables == 3 * (4 + 1) + (5 + 1) + (6 + 1)
    assert [tree_levels(6, inputs) for inputs in (6, 4)] == [1, 3]


def test_memories_have_a_table_for_what_differs() -> None:
    words = np.random.default_rng(0).integers(0, 2, (100, 7)).astype(np.uint8)
    words[:, 3] = words[:, 5]
    words[:, 6] = 1
    contents = RomContents.of(words, Target())
    assert (contents.bits, contents.tables) == (5, 10)
    assert rom_terms(contents, Target()).ff == {"rom.bits": 5}
    # Four words have 14 columns that are not constant, so most of many bits are like others.
    assert 13 < RomContents.random(4, 200, Target()).bits < 14
    assert RomContents.random(256, 200, Target()).tables == 800


def test_banks_of_block_ram_are_chosen_behind_their_registers() -> None:
    one, banks = block_terms(1024, 9, "xc7", stages=2), block_terms(1024, 9, "xc7", stages=2, bank_words=512)
    assert (one.ff["rom.bits"], banks.ff["rom.bits"], banks.lut["rom.banks"]) == (9, 2 * 9 + 2, 9)


def test_memories_that_are_written_take_what_cells_a_family_has() -> None:
    assert written_memory(32, 6, "xc7").lut["lut_memory.tables"] == 4
    assert written_memory(33, 6, "xc7").lut["lut_memory.tables"] == 8
    assert written_memory(17, 4, "ecp5").lut == {"lut_memory.tables": 12, "lut_memory.choices": 4}
    assert written_memory(4, 3, "ice40").ff == {"lut_memory.registers": 12}
