"""Memories of a few words in LUTs of two outputs each read what their files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.assets import asset
from bnnfpga.codegen.memories import hex_file
from bnnfpga.dataflow.hardware import Memory, RtlVector
from bnnfpga.dataflow.paired_luts import paired_luts, pairs, stored
from bnnfpga.dataflow.target import Target
from tests.support.device_cells import models
from tests.support.yosys_commands import run_commands


def random_memory(words: int, width: int) -> Memory:
    bits = np.random.default_rng(words).integers(0, 2, (words, width), dtype=np.uint8)
    return Memory("weights", bits, "distributed")


def prove_equal(memory: Memory, luts: RtlVector, stages: int, folder: Path) -> None:
    """Prove that synthesis reads in these tables what a simulation reads in the file, for all addresses that occur."""
    pytest.importorskip("pyosys")
    bits = max(1, (memory.words - 1).bit_length())
    (folder / "words.mem").write_text(hex_file(memory))
    vector = ", ".join(f"64'd{value}" for value in reversed(luts.values))
    parameters = (
        f".Width({memory.width}), .Words({memory.words}), .AddressBits({bits}), .Stages({stages}), "
        f'.Kind("distributed"), .File("{folder / "words.mem"}"), .Luts({{{vector}}})'
    )
    (folder / "reads.sv").write_text(
        f"module reads (input clk_i, input [{bits - 1}:0] a, output [{memory.width - 1}:0] data_o);\n"
        f"  wire [{bits - 1}:0] address = a < {memory.words} ? a : {bits}'d0;\n"
        f"  bnn_rom #({parameters}) rom (.clk_i, .address_i(address), .data_o);\nendmodule\n"
    )
    commands = []
    for name, define in (("gold", ""), ("gate", "-nosynthesis")):
        commands += [
            f"read_verilog -sv -defer {define} {asset('rtl') / 'bnn_rom.sv'} {asset('rtl') / 'bnn_lut6.sv'}",
            f"read_verilog -sv {folder / 'reads.sv'}",
            *([f"read_verilog -sv {models('xc7')}"] if name == "gold" else []),
            *("hierarchy -top reads", "proc", "flatten", "memory", "opt"),
            *(f"rename reads {name}", f"design -stash {name}"),
        ]
    commands += [
        *("design -copy-from gold gold", "design -copy-from gate gate"),
        "miter -equiv -flatten -make_outputs gold gate miter",
        # Behind as many cycles, words depend on addresses alone.
        f"sat -verify -prove trigger 0 -seq {stages + 1} -prove-skip {stages} miter",
    ]
    run_commands(commands)


@pytest.mark.parametrize(("words", "width", "stages"), [(32, 6, 1), (17, 5, 2), (3, 4, 3)])
def test_synthesis_reads_the_same_words(words: int, width: int, stages: int, tmp_path: Path) -> None:
    memory = random_memory(words, width)
    prove_equal(memory, paired_luts(memory), stages, tmp_path)


def test_wrong_tables_are_found(tmp_path: Path) -> None:
    memory = random_memory(32, 6)
    luts = paired_luts(memory)
    wrong = RtlVector((luts.values[0] ^ 1 << 63, *luts.values[1:]), 64)
    with pytest.raises(AssertionError, match="model found: FAIL"):
        prove_equal(memory, wrong, 1, tmp_path)


def test_equal_and_constant_bits_have_no_tables_of_their_own(tmp_path: Path) -> None:
    few = random_memory(20, 3)
    zeros = np.zeros((20, 1), np.uint8)
    memory = Memory("thresholds", np.hstack([few.bits, zeros, few.bits, zeros + 1]), "distributed")
    luts = paired_luts(memory)
    # Two pairs, and places of eight bits.
    assert len(luts.values) == 4
    prove_equal(memory, luts, 1, tmp_path)


def test_only_memories_of_few_words_have_tables() -> None:
    few = random_memory(20, 9)
    assert pairs(few)
    assert not pairs(random_memory(33, 9))
    assert not pairs(random_memory(1, 9))
    assert not pairs(Memory("weights", few.bits, "block"))
    assert not pairs(Memory("weights", np.repeat(few.bits[:, :1], 9, axis=1), "distributed"))


def test_families_without_second_outputs_read_files() -> None:
    memory = random_memory(20, 9)
    assert [*stored(Target(), Weights=memory).rtl] == ["Weights", "WeightsLuts"]
    assert [*stored(Target(family="ecp5"), Weights=memory).rtl] == ["Weights"]
