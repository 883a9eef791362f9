"""Units of -1 and +1 behind padded windows, in the form that synthesis reads, for parts outside the image anywhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.assets import asset
from bnnfpga.codegen.memories import hex_file
from bnnfpga.codegen.rtl import memory_files, module_instance
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.target import Target
from bnnfpga.native.toolchain import find_verilator
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from tests.dataflow.chains import random_table
from tests.support.device_cells import as_synthesised

BENCH = Path(__file__).with_name("bench.cpp")
VECTORS = 60
Sizes = tuple[int, int, tuple[int, int], int, int, int]

# Outputs, channels, kernel, pe, simd, bits of a result (0: sums).
SMALL: list[Sizes] = [
    *((6, 8, (3, 3), 3, 24, 1), (4, 3, (3, 3), 2, 27, 0), (4, 3, (3, 3), 4, 9, 2), (6, 2, (3, 3), 6, 18, 1)),
    *((4, 3, (3, 3), 1, 1, 1), (5, 5, (3, 3), 5, 5, 1), (2, 2, (3, 3), 4, 18, 0), (8, 12, (1, 3), 4, 6, 1)),
]
LARGE: list[Sizes] = [
    *((4, 1, (5, 5), 2, 25, 1), (8, 12, (3, 3), 4, 4, 1), (4, 12, (3, 3), 2, 12, 2), (3, 3, (3, 3), 6, 27, 1)),
    *((4, 64, (3, 3), 2, 192, 1), (4, 10, (5, 5), 4, 250, 0), (4, 1, (3, 3), 2, 1, 0), (6, 70, (1, 1), 3, 70, 1)),
]


def units(sizes: Sequence[Sizes], target: Target) -> list[MatrixVector]:
    return [unit(number, target, *size) for number, size in enumerate(sizes)]


def unit(
    number: int, target: Target, mh: int, channels: int, kernel: tuple[int, int], pe: int, simd: int, bits: int
) -> MatrixVector:
    """A unit of which some thresholds are reached by all sums or by none."""
    rng = np.random.default_rng(number)
    mw = channels * kernel[0] * kernel[1]
    spread = int(np.sqrt(mw))
    table = None
    if bits:
        drawn = random_table(rng, mh, -spread, spread, bits)
        values, decreasing = drawn.values.copy(), drawn.decreasing.copy()
        values[:4] = np.array([-mw, mw + 1, -mw, mw + 1])[: len(values), None]
        decreasing[:4] = np.array([False, False, True, True])[: len(values)]
        table = ThresholdTable(values[rng.permutation(mh)], decreasing, drawn.output)
    weights = rng.choice([-1, 1], (mh, mw))
    pixels = max(1, pe // mh)
    return MatrixVector(
        f"unit{number}",
        weights,
        IntegerType.bipolar(),
        (pixels,),
        table,
        pe,
        simd,
        kernel=kernel,
        padded=True,
        memory="distributed",
        target=target,
    )


def beats(unit: MatrixVector, rng: np.random.Generator) -> tuple[IntArray, np.ndarray]:
    """Vectors of which random parts of any step are 0, (vectors, MW), and the bits of their beats."""
    groups = VECTORS // unit.pixels
    bits = rng.integers(0, 2, (groups, unit.steps, unit.pixels, unit.simd))
    outside = rng.integers(0, 3, (groups, unit.steps, unit.pixels, unit.flags)) == 0
    inside = ~np.repeat(outside, unit.simd // unit.flags, axis=3)
    x = ((2 * bits - 1) * inside).swapaxes(1, 2).reshape(-1, unit.mw)
    lines = groups * unit.steps
    return x, np.concatenate([bits.reshape(lines, -1), outside.reshape(lines, -1)], axis=1).astype(np.uint8)


def results(unit: MatrixVector, x: IntArray) -> np.ndarray:
    """The bits of the unit's output beats."""
    port = unit.outputs[0]
    values = (
        unit.execute(x.reshape(-1, unit.pixels, unit.mw))[0]
        .reshape(-1, unit.pixels, unit.passes, unit.neurons)
        .swapaxes(1, 2)
    )
    codes = (values > 0).astype(np.int64) if port.type.is_bipolar else values.astype(np.int64)
    return to_bits(codes, port.type.bits).reshape(-1, port.lanes * port.type.bits)


def bench(folder: Path, units: Sequence[MatrixVector]) -> str:
    """A module that sends beats to each unit, with gaps, takes results, with others, and counts wrong ones."""
    text = ""
    for number, unit in enumerate(units):
        rng = np.random.default_rng(number)
        x, sent = beats(unit, rng)
        expected = results(unit, x)
        for name, memory in memory_files(unit).items():
            (folder / name).write_text(hex_file(memory))
        for name, bits in (("beats", sent), ("results", expected)):
            digits = np.packbits(bits, axis=1, bitorder="little")[:, ::-1]
            (folder / f"{unit.name}_{name}.mem").write_text("\n".join(line.tobytes().hex() for line in digits))
        parameters = ", ".join(f".{name}({value})" for name, value in module_instance(unit, [], [], None).parameters)
        text += f"""
module bench{number} (input wire clk_i, input wire rst_ni, output wire done_o);
  localparam MemoryFolder = "./";
  reg [{sent.shape[1] - 1}:0] beats [0:{len(sent)}];
  reg [{expected.shape[1] - 1}:0] results [0:{len(expected)}];
  initial begin
    $readmemh("{unit.name}_beats.mem", beats, 0, {len(sent) - 1});
    $readmemh("{unit.name}_results.mem", results, 0, {len(expected) - 1});
  end
  reg [31:0] random, sent, received, wrong;
  wire s_tready, m_tvalid;
  reg s_tvalid;
  wire m_tready = random[9:8] != 0;
  wire [{expected.shape[1] - 1}:0] result;
  bnn_matrix_vector #({parameters}) unit (
    .clk_i, .rst_ni, .s_tdata_i(beats[sent]), .s_tvalid_i(s_tvalid), .s_tready_o(s_tready),
    .m_tdata_o(result), .m_tvalid_o(m_tvalid), .m_tready_i(m_tready)
  );
  assign done_o = received == {len(expected)};
  always @(posedge clk_i) begin
    random <= {{random[30:0], random[31] ^ random[21] ^ random[1] ^ random[0]}};
    if (s_tvalid & s_tready) sent <= sent + 1;
    if (!s_tvalid | s_tready) s_tvalid <= random[5:4] != 0 & sent + 32'(s_tvalid) < {len(sent)};
    if (m_tvalid & m_tready) received <= received + 1;
    if (m_tvalid & m_tready & result != results[received]) wrong <= wrong + 1;
    if (!rst_ni) begin
      random <= 32'd{number + 1};
      s_tvalid <= 0;
      sent <= 0;
      received <= 0;
      wrong <= 0;
    end
  end
  final $display("{unit.name}: %0d received, %0d wrong", received, wrong);
endmodule
"""
    instances = "".join(
        f"  bench{number} bench{number} (.clk_i, .rst_ni, .done_o(done[{number}]));\n" for number in range(len(units))
    )
    return (
        text
        + f"""
module bench (input wire clk_i, input wire rst_ni, output wire done_o);
  wire [{len(units) - 1}:0] done;
{instances}  assign done_o = &done;
endmodule
"""
    )


def run(folder: Path, units: Sequence[MatrixVector]) -> list[str]:
    """What the bench says of each unit."""
    rtl = folder / "rtl"
    rtl.mkdir()
    for module in asset("rtl").glob("*.sv"):
        (rtl / module.name).write_text(module.read_text())
    (rtl / "accelerator.sv").write_text(bench(folder, units))
    as_synthesised(rtl)
    found = find_verilator()
    flags = [
        "-CFLAGS",
        "-O0",
        "-MAKEFLAGS",
        "OPT_FAST=-O0 OPT_GLOBAL=-O0 CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG=",
    ]
    files = ["--top-module", "bench", *sorted(str(file) for file in rtl.glob("*.sv")), str(BENCH)]
    built = subprocess.run(
        [found.command, "--cc", "--exe", "--build", *flags, "-Wno-fatal", "-o", "bench", *files],
        cwd=folder,
        env=os.environ | found.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run(["obj_dir/bench", "100000"], cwd=folder, capture_output=True, text=True, check=False)
    return sorted(line for line in done.stdout.splitlines() if line.startswith("unit"))


@pytest.mark.parametrize(
    ("sizes", "target"),
    [
        pytest.param(SMALL, Target(), id="small, 7-series"),
        pytest.param(SMALL, Target(300), id="small, fast, 7-series", marks=pytest.mark.slow),
        pytest.param(SMALL, Target(family="ecp5"), id="small, ECP5", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(), id="large, 7-series", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(300), id="large, fast, 7-series", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(300, "xcup"), id="large, fast, UltraScale+", marks=pytest.mark.slow),
        pytest.param(LARGE, Target(family="ecp5"), id="large, ECP5", marks=pytest.mark.slow),
    ],
)
def test_parts_anywhere_may_be_outside(sizes: Sequence[Sizes], target: Target, tmp_path: Path) -> None:
    made = units(sizes, target)
    assert run(tmp_path, made) == sorted(
        f"{unit.name}: {VECTORS * unit.passes // unit.pixels} received, 0 wrong" for unit in made
    )
