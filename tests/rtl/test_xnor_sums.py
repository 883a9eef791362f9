"""The datapath for weights and inputs of -1 and +1, in the form that synthesis reads, is that of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.assets import asset
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.parity_words import ParityWords
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table
from tests.support.device_cells import CARRY_CELLS, as_synthesised, models
from tests.support.graphs import chain, check_in_verilator
from tests.support.yosys_commands import run_commands

# Outputs, inputs, pe, simd, bits of a result (0: sums).
FEW = [(12, 18, 2, 3, 1), (16, 12, 4, 4, 2)]
SMALL = [(24, 40, 3, 20, 1), (18, 24, 2, 1, 1), (14, 18, 7, 9, 1), (6, 14, 3, 7, 0)]
# With a register behind each level of the counters, of which the number is popcount stages.
FAST = [(24, 70, 4, 70, 1), (9, 24, 1, 1, 1), (20, 9, 5, 9, 1), (12, 20, 12, 5, 1), (6, 12, 2, 12, 2)]
FAST_STAGES = [3, 1, 2, 1, 1]
LARGE = [
    *((64, 32, 8, 8, 1), (24, 64, 4, 64, 1), (36, 24, 12, 3, 1), (30, 36, 5, 9, 1), (18, 30, 3, 1, 1)),
    *((126, 18, 18, 2, 1), (40, 126, 1, 63, 1), (70, 40, 7, 20, 1), (60, 70, 4, 70, 1), (8, 60, 8, 30, 0)),
]


def layers(sizes: list[tuple[int, ...]], target: Target) -> list[MatrixVector]:
    """A chain of units whose weights are in memories, with thresholds where they decide."""
    rng = np.random.default_rng(len(sizes))
    units = []
    for number, (mh, mw, pe, simd, bits) in enumerate(sizes):
        spread = int(np.sqrt(mw))
        table = random_table(rng, mh, -spread, spread, bits) if bits else None
        weights = rng.choice([-1, 1], (mh, mw))
        name = f"matrix_vector{number}"
        # The kind of memory is the same to a simulation, but some of few words are tables for synthesis.
        unit = MatrixVector(name, weights, IntegerType.bipolar(), (), table, pe, simd, "distributed", target=target)
        units.append(unit)
    return units


@pytest.mark.parametrize(
    ("sizes", "target"),
    [
        pytest.param(SMALL, Target(), id="small, 7-series"),
        pytest.param(FAST, Target(300), id="fast, 7-series"),
        pytest.param(SMALL, Target(family="ecp5"), id="small, ECP5"),
        pytest.param(FAST, Target(300, "ecp5"), id="fast, ECP5", marks=pytest.mark.slow),
        pytest.param(SMALL, Target(family="ice40"), id="small, iCE40", marks=pytest.mark.slow),
        pytest.param(FAST, Target(300, "gowin"), id="fast, Gowin", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(300), id="large, fast, 7-series", marks=pytest.mark.slow),
        pytest.param(FEW, Target(family="ecp5"), id="several thresholds, ECP5", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(), id="large, 7-series", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(family="xcup"), id="large, UltraScale+", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(family="ecp5"), id="large, ECP5", marks=pytest.mark.slow),
    ],
)
def test_synthesis_computes_the_same_in_the_same_cycles(
    sizes: list[tuple[int, ...]], target: Target, tmp_path: Path
) -> None:
    check_in_verilator(chain(layers(sizes, target)), tmp_path, frames=10, change_rtl=as_synthesised)


def test_a_simulation_has_the_stages_of_the_clock(tmp_path: Path) -> None:
    units = layers(FAST, Target(300))
    assert [unit.popcount_stages for unit in units] == FAST_STAGES
    check_in_verilator(chain(units), tmp_path, frames=10)


@pytest.mark.parametrize("change_rtl", [as_synthesised, lambda rtl: None], ids=["synthesis", "simulation"])
def test_several_vectors_pass_the_same_stages(change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    rng, bits, fast = np.random.default_rng(0), IntegerType.bipolar(), Target(300)
    table = random_table(rng, 6, -5, 5, 1)
    first = MatrixVector("first", rng.choice([-1, 1], (6, 40)), bits, (4,), table, 12, 40, target=fast)
    second = MatrixVector("second", rng.choice([-1, 1], (3, 6)), bits, (4,), None, 6, 6, target=fast)
    assert first.popcount_stages == 3
    check_in_verilator(chain([first, second]), tmp_path, frames=10, change_rtl=change_rtl)


def test_bits_and_pads_have_the_stages_of_the_clock(tmp_path: Path) -> None:
    """A sum of inputs of 0 and 1, and equal bits behind a padded window."""
    rng, bits, fast = np.random.default_rng(0), IntegerType.bipolar(), Target(250)
    geometry = Geometry((3, 4), (3, 3), pads=(1, 1, 1, 1))
    table = random_table(rng, 3, -7, 7, 1)
    pointwise = rng.choice([-1, 1], (3, 21))
    first = MatrixVector("first", pointwise, IntegerType.interval(0, 1), (3, 4), table, 1, 21, target=fast)
    window = Window("window", geometry, 3, bits, lanes=27)
    second = MatrixVector(
        "second",
        rng.choice([-1, 1], (4, 27)),
        bits,
        geometry.windows,
        None,
        2,
        27,
        kernel=(3, 3),
        padded=True,
        target=fast,
    )
    assert (first.popcount_stages, second.popcount_stages) == (3, 2)
    check_in_verilator(chain([first, window, second]), tmp_path, frames=10, change_rtl=as_synthesised)


def prove(text: str, family: str, tmp_path: Path) -> None:
    """Prove by SAT that no inputs of a module `proof` make any bit of its output `wrong` 1."""
    pytest.importorskip("pyosys")
    proof = tmp_path / "proof.sv"
    proof.write_text(text)
    files = " ".join(
        str(asset("rtl") / f"bnn_{name}.sv")
        for name in ("counter", "ternary_adder", "carry_chain", "lut6", "chain_adder", "lut4", "xnor_carries")
    )
    cells = models(family) if family in FAMILIES else ""
    commands = [
        f"read_verilog -sv -defer {files} {cells}",
        f"read_verilog -sv {proof}",
        "hierarchy -top proof",
        "proc",
        "flatten",
        "opt -full",
        "sat -verify -prove wrong 0",
    ]
    run_commands(commands)


@pytest.mark.parametrize("family", [name for name in CARRY_CELLS if name != "xcup"])
def test_counters_count(family: str, tmp_path: Path) -> None:
    sizes = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)
    instances = [
        f"  wire [3:0] count{size};\n"
        f"  bnn_counter #(.Inputs({size}), .Level(3), .Levels(4), .CarryCell({CARRY_CELLS[family]})) counter{size} "
        f"(.clk_i(1'b0), .bits_i(x[{size - 1}:0]), .count_o(count{size}[{size.bit_length() - 1}:0]));\n"
        + (f"  assign count{size}[3:{size.bit_length()}] = 0;\n" if size < 8 else "")
        + f"  assign wrong[{number}] = count{size} != {' + '.join(f'x[{bit}]' for bit in range(size))};\n"
        for number, size in enumerate(sizes)
    ]
    head = f"module proof (input wire [11:0] x, output wire [{len(sizes) - 1}:0] wrong);\n"
    prove(head + "".join(instances) + "endmodule\n", family, tmp_path)


@pytest.mark.parametrize("family", CARRY_CELLS)
def test_adders_add(family: str, tmp_path: Path) -> None:
    """The highest bit too, unless two of three numbers have theirs."""
    instances = [
        f"  wire [5:0] sum{number};\n"
        f"  bnn_ternary_adder #(.Width(5), .Numbers({numbers}), .SecondCarry({second}), "
        f".CarryCell({CARRY_CELLS[family]})) adder{number} "
        f"(.a_i(a), .initial_i(t), .b_i(b), .c_i({third}), .carries_i(e), .sum_o(sum{number}));\n"
        f"  wire [5:0] all{number} = (a | t) + b + {third} + e[0]{' + e[1]' if second else ''};\n"
        f"  assign wrong[{number}] = sum{number}[4:0] != all{number}[4:0] || sum{number} != all{number} && {sure};\n"
        for number, (numbers, second, third, sure) in enumerate(
            [(2, 0, "5'd0", "1"), (3, 0, "c", "tops < 2"), (3, 1, "c", "tops < 2")]
        )
    ]
    inputs = ", ".join(f"input wire [4:0] {name}" for name in "atbc")
    head = f"module proof ({inputs}, input wire [1:0] e, output wire [2:0] wrong);\n"
    tops = "  wire [1:0] tops = (a[4] | t[4]) + b[4] + c[4];\n"
    prove(head + tops + "".join(instances) + "endmodule\n", family, tmp_path)


@pytest.mark.parametrize("bits", [0, 1, 2])
def test_words_hold_parities(bits: int) -> None:
    """Weights are where parities change, opposite in decreasing channels of one threshold; sums start at minus that."""
    (unit,) = layers([(12, 15, 3, 5, bits)], Target())
    words = unit.parity_words
    assert isinstance(words, ParityWords)
    table, weights = unit.table, unit.weights
    opposite = table.with_rows(12).decreasing if table is not None and bits == 1 else np.zeros(12, bool)
    rows = words.words.swapaxes(1, 2).reshape(12, 15)
    if bits == 1:
        memory = words.initial_memory
        assert memory is not None
        fields = memory.bits.reshape(12, -1).astype(np.int64)
        start = fields @ (1 << np.arange(fields.shape[1]))
        start -= fields[:, -1] << fields.shape[1]
    else:
        start = np.full(12, 0 if bits else -8)
    changes = np.diff(rows.astype(np.int64), axis=1, prepend=(start & 1)[:, None]) != 0
    np.testing.assert_array_equal(np.where(changes, -1, 1), np.where(opposite[:, None], -weights, weights))
    if bits == 1:
        x = np.where(np.random.default_rng(0).random((200, 15)) < 0.5, -1, 1)
        equal = (x[:, None, :] == np.where(opposite[:, None], -weights, weights)).sum(2)
        np.testing.assert_array_equal(np.where(equal + start >= 0, 1, -1), unit.execute(x)[0].reshape(200, 12))
