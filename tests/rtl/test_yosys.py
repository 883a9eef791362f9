"""The RTL is read by Yosys' own frontend and maps onto an FPGA's cells; Verilator's linter has nothing to say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import bnnfpga
from bnnfpga.base.assets import asset
from bnnfpga.codegen.rtl import FILE_LIST, render_rtl
from bnnfpga.dataflow.folding import apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.multiply import Multiply
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.dataflow.target import Target
from bnnfpga.native.toolchain import find_verilator
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.tuning.choose import choose_folding
from tests.dataflow.chains import random_chain, random_folding, random_table
from tests.dataflow.test_several_pixels import network
from tests.support.device_cells import models
from tests.support.graphs import check_in_verilator, joined
from tests.support.nets import DenseNet

OPEN = Target(family="ecp5")
"""A family whose units are without primitives, so that Yosys can read them alone."""

NETS = {
    "w1a1": (DenseNet((40, 12, 10)), {"cycles": 12}),
    "w1a2": (DenseNet((12, 10, 6), activation_bits=2), {"cycles": 30}),
    "w8a4, a multiplier": (DenseNet((8, 6, 4), activation_bits=4, weight_bits=8), {"cycles": 48}),
    "w2a2, classes": (
        DenseNet((8, 6, 4), activation_bits=2, weight_bits=2, last_norm=True),
        {"cycles": 20, "output_kind": "class"},
    ),
    "ranked classes": (DenseNet((20, 64, 48), last_norm=True), {"cycles": 200, "output_kind": "class"}),
    "w1a3 signed, unfolded": (DenseNet((8, 6, 4), activation_bits=3, signed=True), {"cycles": 1}),
}


def convolutions() -> Graph:
    """Every unit of branched and depthwise nets, joined to one net."""
    rng = np.random.default_rng(0)
    bits, half = IntegerType.bipolar(), np.array([False, True, False, True])
    image = Geometry((4, 6), (3, 3), pads=(1, 1, 1, 1))
    window = Window("window0", image, 4, bits, lanes=12)
    convolution = MatrixVector(
        "matrix_vector0", rng.choice([-1, 1], (4, 36)), bits, image.windows, pe=2, simd=12, kernel=(3, 3), padded=True
    )
    add = Add("add0", (4, 6, 4), (convolution.outputs[0].type, bits), (1, -3), pe=2)
    quantizer = Threshold(
        "threshold0", (4, 6, 4), add.result_type, random_table(rng, 4, add.result_type.lo, add.result_type.hi, 1), pe=4
    )
    pooled = Geometry((4, 6), (2, 2), (2, 2))
    depthwise = Window("window1", image, 4, bits, lanes=2)
    table = random_table(rng, 4, -9, 9, 2)
    vector = VectorVector("vector_vector0", rng.choice([-1, 1], (9, 4)), bits, image.windows, table, True, 2)
    scaled = VectorVector("vector_vector1", rng.integers(-99, 99, (1, 4)), table.output, (2, 3), pe=4)
    turned = VectorVector("vector_vector2", rng.choice([-1, 1], (1, 4)), scaled.result_type, (2, 3), pe=4)
    units = [
        Fork("fork0", window.inputs[0]),
        window,
        convolution,
        Fifo("fifo0", window.inputs[0], 20),
        add,
        quantizer,
        Fork("fork1", quantizer.outputs[0]),
        Fifo("fifo1", quantizer.outputs[0], 24),
        Window("window2", pooled, 4, bits, lanes=4),
        Pool("pool0", pooled.windows, pooled.kernel, 4, bits, "extremum", half, pe=4),
        Upsample("upsample0", pooled.windows, 4, bits, (2, 2), 4),
        depthwise,
        vector,
        Window("window3", pooled, 4, table.output, lanes=4),
        Pool("pool1", pooled.windows, pooled.kernel, 4, table.output, "extremum", half, pe=4),
        scaled,
        turned,
        Upsample("upsample1", pooled.windows, 4, turned.result_type, (2, 2), 4),
        Lookup(
            "lookup0", (4, 6, 4), turned.result_type, rng.choice([-1, 1], (4, 1 << turned.result_type.bits)), bits, pe=2
        ),
        Concat("concat0", (4, 6), (4, 4), bits, 4),
        Select("select0", (4, 6), 8, (0, 4, 1, 5, 2), bits),
        Crop("crop0", (4, 6), 5, bits, (0, 2, 3), (1, 2, 5), 5),
        Upsample("upsample2", (3, 3), 5, bits, ((2, 1, 1), (1, 1, 2)), 5),
        (last := VectorVector("vector_vector3", rng.integers(-9, 9, (1, 5)), bits, (4, 4), pe=5)),
        Fork("fork2", last.outputs[0]),
        Multiply("multiply0", last.outputs[0].shape, (last.result_type, last.result_type), pe=5),
    ]
    chains = [
        ("fork0", "window0", "matrix_vector0", "add0"),
        ("fork0", "fifo0", "add0", "threshold0", "fork1"),
        ("fork1", "fifo1", "window2", "pool0", "upsample0", "concat0"),
        ("fork1", "window1", "vector_vector0", "window3", "pool1", "vector_vector1", "vector_vector2", "upsample1"),
        ("upsample1", "lookup0", "concat0", "select0", "crop0", "upsample2", "vector_vector3", "fork2", "multiply0"),
        ("fork2", "multiply0"),
    ]
    return joined(units, [pair for names in chains for pair in pairwise(names)])


def several_pixels() -> Graph:
    """Convolutions, thresholds and a sum with two pixels a cycle."""
    graph = network().built_for(OPEN)
    return apply_folding(graph, choose_folding(graph, 16))


def run_yosys(
    folder: Path, *commands: str, parameters: Sequence[str] = (), cells: str = "-lib +/ecp5/cells_sim.v"
) -> None:
    """Read the accelerator of a project, then run commands, in a process of their own that works somewhere else.

    `parameters` are commands in front of the elaboration, `cells` what is read for the device's cells.
    """
    pytest.importorskip("pyosys")
    files = " ".join(str(folder / name) for name in (folder / FILE_LIST).read_text().split())
    elaboration = (
        f"read_verilog -sv {cells}",
        f"read_verilog -sv -defer {files}",
        *parameters,
        "hierarchy -check -top accelerator",
        "proc",
        "check -assert",
    )
    script = f"""
from pyosys import libyosys
design = libyosys.Design()
for command in {(*elaboration, *commands)}:
    libyosys.run_pass(command, design)
"""
    with TemporaryDirectory() as elsewhere:
        run = subprocess.run([sys.executable, "-c", script], cwd=elsewhere, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr


def check_synthesis(folder: Path, dsp: int) -> None:
    """Yosys maps the accelerator of a project onto an FPGA's cells, with the multipliers of the estimate."""
    run_yosys(folder, "synth_ecp5 -noabc9 -top accelerator", "check -assert", f"tee -o {folder}/stat stat")
    cells = {
        kind: int(count)
        for count, kind in re.findall(r"^\s+(\d+)\s+(\w+)$", (folder / "stat").read_text(), re.MULTILINE)
    }
    assert cells.keys() >= {"LUT4", "TRELLIS_FF"}
    # Those have 18 x 18 bits; no operand is wider.
    assert cells.get("MULT18X18D", 0) == dsp


def test_memories_may_lie_anywhere(tmp_path: Path) -> None:
    """Yosys finds them beside `rtl/`; the top level's parameter names another place, for Yosys and Verilator alike."""
    graph = random_chain(1, (12, 10, 6), 1).built_for(OPEN)
    render_rtl(random_folding(graph, 1), tmp_path)
    run_yosys(tmp_path)
    (tmp_path / "memories").rename(tmp_path / "contents")
    with pytest.raises(AssertionError, match="Can not open file"):
        run_yosys(tmp_path)
    folder = f'"{tmp_path}/contents/"'
    run_yosys(tmp_path, parameters=[f"chparam -set MemoryFolder {folder} accelerator"])
    _lint([f"-GMemoryFolder={folder}", "-F", str(tmp_path / FILE_LIST)], "accelerator")


@pytest.mark.parametrize("name", NETS)
def test_yosys_synthesises(name: str, tmp_path: Path) -> None:
    net, options = NETS[name]
    project = bnnfpga.compile(net.write(tmp_path), tmp_path / "project", input="int4", family=OPEN.family, **options)
    check_synthesis(project.folder, project.description["resources"]["dsp"])


def test_yosys_synthesises_units_of_branched_nets(tmp_path: Path) -> None:
    graph = convolutions().built_for(Target(family="ecp5"))
    render_rtl(graph, tmp_path)
    _lint([str(path) for path in sorted((tmp_path / "rtl").glob("*.sv"))], "accelerator")
    check_synthesis(tmp_path, add_resources(*(operator.resources() for operator in graph.operators))["dsp"])


@pytest.mark.parametrize(
    "graph",
    [
        convolutions(),
        random_folding(random_chain(3, (12, 10, 6, 4), 1).built_for(OPEN), 1),
        random_folding(random_chain(5, (9, 8, 6), 3).built_for(OPEN), 2),
        pytest.param(several_pixels(), marks=pytest.mark.slow),
    ],
    ids=["convolutions", "w1a1", "w1a3", "several pixels"],
)
def test_yosys_reads_what_verilator_reads(graph: Graph, tmp_path: Path) -> None:
    """What Yosys makes of every line, written out again, behaves as the RTL does: expressions mean the same to both."""

    def read_and_write(rtl: Path) -> None:
        cells = models(graph.operators[0].target.family)
        written = f"write_verilog -noattr {rtl.parent}/netlist.v"
        run_yosys(rtl.parent, "flatten", "opt_clean", written, cells=str(cells))
        for file in rtl.iterdir():
            file.unlink()
        (rtl.parent / "netlist.v").rename(rtl / "accelerator.sv")

    check_in_verilator(graph, tmp_path, change_rtl=read_and_write)


@pytest.mark.parametrize("name", NETS)
def test_generated_tops_are_lint_clean(name: str, tmp_path: Path) -> None:
    net, options = NETS[name]
    project = bnnfpga.compile(net.write(tmp_path), tmp_path / "project", input="int4", family=OPEN.family, **options)
    _lint([str(path) for path in sorted((project.folder / "rtl").glob("*.sv"))], "accelerator")


@pytest.mark.parametrize("module", sorted(path.stem for path in asset("rtl").glob("*.sv")))
def test_modules_are_lint_clean_by_themselves(module: str) -> None:
    _lint(["-y", str(asset("rtl")), str(asset("rtl") / f"{module}.sv")], module)


@pytest.mark.parametrize(
    ("module", "parameters", "words"),
    [
        ("bnn_matrix_vector", "SIMD=3", "SIMD must divide MW"),
        ("bnn_matrix_vector", "Pixels=2", "several vectors per beat need PE = MH and SIMD = MW"),
        ("bnn_pool", "Pixels=2", "several windows per beat need all their pixels in it"),
        ("bnn_vector_vector", "Pixels=2", "several windows per beat need all their pixels in it"),
        ("bnn_window", "Windows=2", "several windows per beat need all their pixels in it"),
        ("bnn_window", "InputUnits=3", "must divide a row of them"),
        ("bnn_window", "Taps=2", "a part of a kernel row that divides it"),
        ("bnn_window", "Taps=6", "or of whole kernel rows"),
        ("bnn_concat", "Width1=3", "must be of one width"),
    ],
)
def test_bad_parameters_stop_the_elaboration(module: str, parameters: str, words: str) -> None:
    run = _run_linter(_with_parameters(module, parameters))
    assert run.returncode != 0
    assert words in run.stderr


@pytest.mark.parametrize(
    ("module", "parameters"),
    [
        ("bnn_matrix_vector", "MW=1 MH=1 PE=1 SIMD=1 Pixels=5 AccumulatorBits=1 ThresholdBits=2"),
        ("bnn_matrix_vector", "PE=8 SIMD=8 Pixels=3 Flags=8 AccumulatorBits=5 ThresholdBits=5"),
        ("bnn_pool", "PE=5 Steps=1 SIMD=4 Pixels=3 Flags=1 ReduceStages=1"),
        ("bnn_vector_vector", "PE=5 Steps=1 SIMD=9 Pixels=3 Flags=1 AccumulatorBits=5 ThresholdBits=5 ProductStages=1"),
        ("bnn_pool", "PE=2 Chunks=3 Steps=2 SIMD=2 Flags=1 ReduceStages=1"),
        ("bnn_vector_vector", "PE=2 Chunks=3 Steps=3 SIMD=3 Flags=1 AccumulatorBits=5 ThresholdBits=5 ProductStages=1"),
        ("bnn_concat", "Width0=1 Width1=7 Pixels=3"),
        ("bnn_window", "Columns=6 PadTop=1 PadLeft=1 WindowColumns=6 Taps=9 Windows=2 InputUnits=3 Flags=1"),
        ("bnn_window", "Columns=6 PadTop=1 PadLeft=1 WindowColumns=6 Taps=3 Part=2 Chunks=4 InputUnits=2 Flags=1"),
    ],
)
def test_modules_with_several_pixels_are_lint_clean(module: str, parameters: str) -> None:
    _lint(_with_parameters(module, parameters), module)


def _with_parameters(module: str, parameters: str) -> list[str]:
    return [*(f"-G{item}" for item in parameters.split()), "-y", str(asset("rtl")), str(asset("rtl") / f"{module}.sv")]


def _lint(arguments: list[str], top: str) -> None:
    run = _run_linter(["-Wall", "--top-module", top, *arguments])
    assert run.returncode == 0, run.stderr
    assert "%Warning" not in run.stderr


def _run_linter(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    verilator = find_verilator()
    return subprocess.run(
        [verilator.command, "--lint-only", *arguments],
        env={**os.environ, **verilator.variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_read_only_memories_in_luts_have_the_name_that_yosys_gives_them() -> None:
    """For Gowin, Yosys has no such memory of the kind that Vivado calls distributed, and refuses it."""
    for path in sorted(asset("rtl").glob("*.sv")):
        lines = [line.strip() for line in path.read_text().splitlines()]
        styles = [number for number, line in enumerate(lines) if line == '(* rom_style = "distributed" *)']
        for number in styles:
            assert lines[number - 3 : number] == ["`ifdef YOSYS", '(* rom_style = "logic" *)', "`else"], path.name
