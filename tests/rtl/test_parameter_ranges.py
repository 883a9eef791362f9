"""Each module refuses parameters outside the ranges that its comments give, in Verilator and in Yosys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from bnnfpga.base.assets import asset
from bnnfpga.native.toolchain import find_verilator

FOLDERS = [asset("rtl"), asset("flows") / "vivado"]
FILES = {path.stem: path for folder in FOLDERS for path in sorted(folder.glob("*.sv"))}

# A size of 0 that the text divides by or casts to is left out: tools refuse it before they come to the check.
ILLEGAL: dict[str, list[str]] = {
    "bnn_accumulator": ["Bits=0", "Stages=3", "Counted=1 Stages=2"],
    "bnn_add": ["PE=0", "InputBits1=0", "InputSigned0=2", "InputBipolar1=2", "InputBits0=2", "QueueDepth=1"],
    "bnn_arg_max": [
        *("Lanes=0", "Beats=0", "RankBits=0", "InputSigned=2", "Affine=1 Ranked=1", "OutputBits=3", "QueueDepth=1"),
        *("Ranked=1 RankShift=2", "Ranked=1 RankBits=8", 'Ranked=1 MemoryKind="bram"'),
        *("ScoreStages=2", "Affine=1 ScoreStages=3", "TreeStages=0", "Lanes=4 TreeStages=3"),
    ],
    "bnn_carry_chain": ["CarryCell=3"],
    "bnn_chain_adder": ["Width=0", "Carry=2", "CarryCell=0"],
    "bnn_comparators": ["ValueBits=0", "Levels=0", "ValueSigned=2", "Constant=2", "ThresholdBits=3"],
    "bnn_concat": ["Width0=0", "Beats1=0", "Width1=3"],
    "bnn_counter": ["Inputs=16403 Level=8 Levels=9", "Inputs=8"],
    "bnn_crop": ["Width=0", "Rows=0", "Chunks=0", "KeptRows=0", "KeptColumns=0"],
    "bnn_delay": ["Width=0"],
    "bnn_dsp_accumulators": ["PE=0", "Bits=25"],
    "bnn_fifo": ["Width=0", "Depth=1", "Stages=4 Depth=9", "Stages=3 Depth=3", "Reserved=2"],
    "bnn_fixed_point": ["ValueBits=0", "Levels=0", "ValueSigned=2", "Ties=3", "SumBits=2", "OffsetBits=7"],
    "bnn_fork": ["Width=0"],
    "bnn_gated_sum": ["Numbers=3", "Compare=2"],
    "bnn_increment": ["Width=0", "LutInputs=5"],
    "bnn_line_memory": ["Width=0", "Words=0", "AddressBits=0", "Words=17", "Stages=3", 'Kind="bram"'],
    "bnn_lookup": ["PE=0", "InputBits=25", "Groups=1 PE=1001", 'Groups=1 MemoryKind="bram"', "QueueDepth=1"],
    "bnn_full_adders": ["Kept=1"],
    "bnn_lut4": ["CarryCell=4"],
    "bnn_lut6": [],
    "bnn_matrix_vector": [
        *("MW=0", "MH=0", "WeightBits=0", "OutputBits=0", "InputSigned=2", "SIMD=3"),
        *(
            "InputLanes=3",
            "PE=8 InputLanes=2",
            "InputBanks=3",
            "PE=3",
            "Pixels=2",
            "InputBits=2",
            "Flags=3",
            "WeightStages=0",
            "WeightStages=4",
            "ParityStages=3",
            "PopcountStages=0",
            "PopcountGroup=0",
        ),
        *("ThresholdBits=3", 'MemoryKind="bram"', "QueueDepth=1"),
        *('Accumulators="bram"', 'Accumulators="dsp" SIMD=8', 'Accumulators="dsp" Family="ecp5"'),
    ],
    "bnn_multiplied_sums": ["PE=0", "Stages=1"],
    "bnn_multiply": ["PE=0", "InputSigned1=2", "InputBits1=2", "OutputBits=2", "QueueDepth=1"],
    "bnn_output_queue": ["Width=0", "Depth=1", "Held=2"],
    "bnn_padded_parities": ["Lanes=4 Parts=3"],
    "bnn_padded_xnor_sums": ["PE=0", "SIMD=4 Flags=3", "Stages=1"],
    "bnn_parity_encoder": ["Cells=2", "Stages=3"],
    "bnn_pass_sum": ["Numbers=3"],
    "bnn_plane_sums": ["PE=0", "Stages=0", "Stages=4"],
    "bnn_pool": [
        *("PE=0", "Steps=0", "Pixels=0", "Flags=2", "Sum=2", "InputBits=2 OutputBits=2", "OutputBits=2"),
        *("Pixels=2 Steps=1 Chunks=2", "Pixels=2", "ReduceStages=2", "QueueDepth=1"),
    ],
    "bnn_product_sums": ["MW=0", "SIMD=0", "InputBipolar=2", "Loaded=2", "Flags=3", "Stages=0", "Group=0"],
    "bnn_requantizer": [
        *("Values=0", "Rows=2", "Levels=0", 'MemoryKind="bram"', 'Form="table"'),
        'Form="search" Levels=255 Values=126 Rows=126',
    ],
    "bnn_rom_banks": [
        *("Words=4 AddressBits=2 BankWords=3", "Words=4 AddressBits=2 BankWords=4"),
        *("Words=4 AddressBits=2 BankWords=2 Luts=1", "Words=4 AddressBits=2 BankWords=2 Stages=5", "Stages=4"),
    ],
    "bnn_rom": ["Width=0", "Words=0", "AddressBits=0", "Words=3", "Stages=4", 'Kind="bram"', "Luts=1"],
    "bnn_score_output": ["Beats=0", "InputWidth=0", "OutputWidth=9", "InputWidth=9"],
    "bnn_select": ["Inputs=0", "Outputs=0", "IndexBits=33", "Flags=2", "Index=1"],
    "bnn_steps": ["Passes=0", "Steps=0", "Steps=5 StepBits=2"],
    "bnn_sum_tree": ["Numbers=0", "Stages=4"],
    "bnn_ternary_adder": ["Width=0", "Added=5", "Numbers=4", "Numbers=2 SecondCarry=1"],
    "bnn_threshold": ["PE=0", "Words=0", "Rows=2", "Levels=0", "ThresholdBits=7", 'MemoryKind="bram"'],
    "bnn_threshold_search": ["ValueBits=0", "Words=0", "ValueSigned=2", "ThresholdBits=3"],
    "bnn_upsample": ["Width=0", "Columns=0", "RowEntries=0", "ColumnEntries=2", "Depth=3", 'MemoryKind="bram"'],
    "bnn_vector_buffer": ["BeatBits=0", "Beats=0", "Words=0", "WordBits=1", "Banks=0", "Banks=3", "Words=1"],
    "bnn_vector_vector": [
        *("PE=0", "Steps=0", "InputBits=0", "Flags=2", "InputBits=2"),
        *(
            "Pixels=2",
            "Pixels=2 Steps=1 Chunks=2",
            "ProductStages=3",
            "ThresholdBits=3",
            'MemoryKind="bram"',
            "QueueDepth=1",
        ),
    ],
    "bnn_width_converter": ["InputLanes=0", "OutputLanes=0", "ElementBits=0", "GroupLanes=2"],
    "bnn_window": [
        *("Rows=0", "Part=0", "KernelRows=0", "StrideColumns=0", "WindowRows=0", "Taps=0", "Slots=15"),
        *(
            "Flags=2",
            "Fill=2",
            "Windows=2",
            "Taps=9 Windows=2 Chunks=2",
            "InputUnits=3",
            "Chunks=4 InputUnits=6",
            "Taps=2",
        ),
        *('MemoryKind="bram"', "QueueDepth=1"),
    ],
    "bnn_window_axis": ["Extent=0", "Taps=0", "TapStep=0", "KernelStep=0", "WindowStep=0"],
    "bnn_window_border": ["Rows=0", "TapColumns=0", "TapRowStep=0", "WindowColumnStep=0"],
    "bnn_window_level": ["Depth=10", "FirstNeed=0", "WindowColumns=3", "RowKinds=0", "RowKinds=3", "ColumnEntries=4"],
    "bnn_window_loops": ["Chunks=0", "KernelRows=0", "WindowColumns=3", "WindowRows=3"],
    "bnn_window_tap": [
        "Width=0",
        "Slots=17",
        "InputUnits=3",
        "FirstBeat=16",
        "FirstUnit=1",
        "Moves=2",
        "ReadStages=2",
        'MemoryKind="bram"',
    ],
    "bnn_xnor_carries": ["Inputs=0"],
    "bnn_xnor_sums": ["PE=0", "Bits=1"],
    "bnn_xnor_weights": ["PE=0", 'Kind="bram"', "Stages=4"],
    "bnn_batches": ["InputWords=0", "OutputWordBytes=0", "InputBeats=0", "InputBytes=9", "OutputBytes=9"],
    "bnn_beat_words": ["BeatBytes=0", "Words=0", "BeatBytes=9"],
    "bnn_frame_words": ["BeatBytes=9", "Depth=1"],
    "bnn_in_turn": ["Streams=1", "Width=0"],
}
CASES = [(module, parameters) for module, several in ILLEGAL.items() for parameters in several]
CHECKS = {
    message.replace('\\"', '"')
    for path in FILES.values()
    for message in re.findall(r'\$error\("((?:\\"|[^"])+)"\)', path.read_text())
}
"""What the checks of the library say."""

# Elaborates one case after another, each in a process of its own: Yosys ends with its first error.
YOSYS = r"""
import json, os, sys
from pyosys import libyosys
files, cases = json.load(sys.stdin)
design = libyosys.Design()
libyosys.run_pass("read_verilog -sv -defer " + " ".join(files), design)
for module, parameters in cases:
    if os.fork() == 0:
        for name, value in (item.split("=") for item in parameters.split()):
            libyosys.run_pass(f"chparam -set {name} {value} {module}", design)
        libyosys.run_pass(f"hierarchy -check -top {module}", design)
        os._exit(0)
    os.wait()
    print("\n--- next ---", flush=True)
"""


@pytest.fixture(scope="module")
def yosys() -> dict[tuple[str, str], str]:
    """What Yosys says to each case."""
    pytest.importorskip("pyosys")
    done = subprocess.run(
        [sys.executable, "-c", YOSYS],
        input=json.dumps([[str(path) for path in FILES.values()], CASES]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    said = done.stdout.split("\n--- next ---")
    assert len(said) == len(CASES) + 1
    return dict(zip(CASES, said, strict=False))


def verilator(module: str, parameters: str) -> str:
    """What Verilator's linter says to a case."""
    found = find_verilator()
    options = [f"-G{item}" for item in parameters.split()]
    folders = [option for folder in FOLDERS for option in ("-y", str(folder))]
    done = subprocess.run(
        [found.command, "--lint-only", "--quiet", *options, *folders, "--top-module", module, str(FILES[module])],
        env=os.environ | found.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def checks(said: str) -> set[str]:
    """Those that speak in a tool's output."""
    return {check for check in CHECKS if check in said.replace('\\"', '"')}


@pytest.mark.parametrize(("module", "parameters"), CASES)
def test_illegal_parameters_are_refused(module: str, parameters: str, yosys: dict[tuple[str, str], str]) -> None:
    (first,) = checks(yosys[module, parameters])
    assert first in checks(verilator(module, parameters))


def test_every_check_is_tested(yosys: dict[tuple[str, str], str]) -> None:
    assert set().union(*map(checks, yosys.values())) == CHECKS
    assert ILLEGAL.keys() == FILES.keys()
