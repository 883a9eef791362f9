"""The RTL is read by Yosys' own frontend and maps onto an FPGA's cells; Verilator's linter has nothing to say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.assets import asset
from bnnfpga.simulate.toolchain import find_verilator
from tests.support.nets import DenseNet

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


@pytest.mark.parametrize("name", NETS)
def test_yosys_synthesises(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyosys")
    net, options = NETS[name]
    project = bnnfpga.compile(net.write(tmp_path), tmp_path / "project", input="int4", **options)
    script = f"""
from pathlib import Path
from pyosys import libyosys
design = libyosys.Design()
files = " ".join(sorted(str(path) for path in Path("../rtl").glob("*.sv")))
for command in (
    f"read_verilog -sv -defer {{files}}",
    "hierarchy -check -top accelerator",
    "proc",
    "check -assert",
    "synth_ecp5 -noabc9 -top accelerator",
    "check -assert",
    "tee -o {tmp_path}/stat stat",
):
    libyosys.run_pass(command, design)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=project.folder / "memories", capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    cells = {
        kind: int(count)
        for count, kind in re.findall(r"^\s+(\d+)\s+(\w+)$", (tmp_path / "stat").read_text(), re.MULTILINE)
    }
    assert cells.keys() >= {"LUT4", "TRELLIS_FF"}
    # Its multipliers of 18 x 18 bits are those of the estimate, where no operand is wider.
    assert cells.get("MULT18X18D", 0) == project.description["resources"]["dsp"]


@pytest.mark.parametrize("name", NETS)
def test_generated_tops_are_lint_clean(name: str, tmp_path: Path) -> None:
    net, options = NETS[name]
    project = bnnfpga.compile(net.write(tmp_path), tmp_path / "project", input="int4", **options)
    _lint([str(path) for path in sorted((project.folder / "rtl").glob("*.sv"))], "accelerator")


@pytest.mark.parametrize("module", sorted(path.stem for path in asset("rtl").glob("*.sv")))
def test_modules_are_lint_clean_by_themselves(module: str) -> None:
    _lint(["-y", str(asset("rtl")), str(asset("rtl") / f"{module}.sv")], module)


def test_bad_parameters_stop_the_elaboration() -> None:
    verilator = find_verilator()
    run = subprocess.run(
        [verilator.command, "--lint-only", "-y", asset("rtl"), asset("rtl") / "bnn_matrix_vector.sv", "-GSIMD=3"],
        env={**os.environ, **verilator.variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "SIMD must divide MW" in run.stderr


def _lint(arguments: list[str], top: str) -> None:
    verilator = find_verilator()
    run = subprocess.run(
        [verilator.command, "--lint-only", "-Wall", "--top-module", top, *arguments],
        env={**os.environ, **verilator.variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "%Warning" not in run.stderr
