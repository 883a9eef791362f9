"""`rtl/README.md` says what is there, and its example is complete: lint, synthesis, simulation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bnnfpga.base.assets import asset
from bnnfpga.native.toolchain import find_verilator

RTL = asset("rtl")
TEXTS = {path.stem: path.read_text() for path in sorted(RTL.glob("*.sv"))}
PAGE = (RTL / "README.md").read_text()
BENCH = Path(__file__).with_name("layer.cpp")


def needs(module: str) -> set[str]:
    """The modules below one, which may also be below itself."""
    text = TEXTS[module].split("(\n", 1)[1]
    below = {name for name in TEXTS if name != module and re.search(rf"^ *{name}\b *#?\(", text, re.MULTILINE)}
    return below.union(*(needs(name) for name in below))


def test_the_table_is_that_of_the_modules() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `bnn_")
    ]
    assert {row[0].strip("`"): set(re.findall(r"bnn_\w+", row[-1])) for row in rows} == {
        module: needs(module) for module in TEXTS
    }


def test_no_operator_stands_in_front_of_a_cast() -> None:
    """Yosys 0.70 drops it without a word: `-4'(x)` is `x` there, in Verilator it is the negative."""
    sources = [*RTL.glob("*.sv"), *asset("flows").rglob("*.sv"), *asset("templates").rglob("*.sv.j2")]
    code = {path.name: re.sub(r"//.*", "", path.read_text()) for path in sources}
    assert len(code) > 20
    # With spaces around it, an operator has two operands.
    found = {name: re.findall(r"[-~!&|^+]\w+'\(", text) for name, text in code.items()}
    assert {name: casts for name, casts in found.items() if casts} == {}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The files of the page, in a folder."""
    for block in re.findall(r"^```\w+\n(// .*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        (tmp_path / block.splitlines()[0].removeprefix("// ")).write_text(block)
    assert {path.name for path in tmp_path.iterdir()} == {"layer.sv", "weights.mem", "thresholds.mem"}
    return tmp_path


def run_verilator(folder: Path, *options: str) -> None:
    found = find_verilator()
    done = subprocess.run(
        [found.command, "-Wall", "-y", str(RTL), *options, "layer.sv"],
        cwd=folder,
        env=os.environ | found.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_example_computes_what_the_page_says(example: Path) -> None:
    run_verilator(example, "--lint-only")
    flags = [
        "-CFLAGS",
        "-O0",
        "-MAKEFLAGS",
        "OPT_FAST=-O0 OPT_GLOBAL=-O0 CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG=",
    ]
    run_verilator(example, "--cc", "--exe", "--build", *flags, "-o", "layer", str(BENCH))
    done = subprocess.run(["obj_dir/layer", "0", "f"], cwd=example, capture_output=True, text=True, check=True)
    # A result is there 4 + PopcountStages cycles after its last beat; the second pass takes two more.
    assert done.stdout.splitlines() == ["3 in 0", "4 in f", "9 out 1", "11 out 3"]


def test_the_example_synthesises(example: Path) -> None:
    pytest.importorskip("pyosys")
    files = " ".join(str(path) for path in ("layer.sv", *sorted(RTL.glob("bnn_*.sv"))))
    script = (
        "from pyosys import libyosys\n"
        "design = libyosys.Design()\n"
        f"for command in ('read_verilog -sv -defer {files}', 'synth_ecp5 -noabc9 -top layer', 'check -assert'):\n"
        "    libyosys.run_pass(command, design)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=example, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
