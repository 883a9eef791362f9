"""Proofs about modules with registers: Yosys makes an AIGER netlist of a harness, and yosys-abc checks it.

A harness is a module `proof` whose output `bad` must never be 1; its other outputs must each be 1 at some time, so that
what is proven is not empty. Registers without a reset start with any value. A memory's contents are a constant of the
harness, any one: what is proven holds for all weights.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.rtl_files import rtl_files
from tests.support.yosys_commands import run_commands, with_changes

CELLS = Path(__file__).parent / "xilinx_cells.sv"

MEMORY = """
// A memory whose contents are those that the harness connects.
module bnn_rom #(
  parameter int unsigned Width = 1, Words = 1, AddressBits = 1, Stages = 1, parameter Kind = "", File = "", Luts = 1'b0
) (
  input wire clk_i, input wire [AddressBits-1:0] address_i, output wire [Width-1:0] data_o
);
  wire [Words*Width-1:0] content;
  reg [Width-1:0] read;
  reg [Stages*Width-1:0] words;
  integer n;
  always @* begin
    read = content[Width-1:0];
    for (n = 1; n < Words; n = n + 1) if (address_i == n) read = content[n*Width+:Width];
  end
  always @(posedge clk_i) words <= {words, read};
  assign data_o = words[(Stages-1)*Width+:Width];
endmodule
"""


def make_aiger(
    harness: Path,
    parameters: Mapping[str, int],
    work: Path,
    contents: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
    *,
    from_zero: bool = False,
) -> dict[str, int]:
    """Write `proof.aig` and return the numbers of the harness' outputs.

    `contents` are the memories' paths below the harness, and what they hold. `changes` replaces text of the modules, to
    plant faults. `from_zero`: registers without a reset start at 0.
    """
    pytest.importorskip("pyosys")
    files = rtl_files(harness.read_text())
    sources = with_changes(
        [file.read_text() for name, file in files.items() if not (contents and name == "bnn_rom")], changes
    )
    memory = MEMORY if contents else ""
    (work / "proof.sv").write_text("\n".join([CELLS.read_text(), *sources, memory, harness.read_text()]))
    commands = [
        f"read_verilog -sv -formal -defer -D SYNTHESIS -D YOSYS {work / 'proof.sv'}",
        *(f"chparam -set {name} {value} proof" for name, value in parameters.items()),
        "prep -top proof -flatten",
        *(f"connect -set \\{path}.content {name}" for path, name in (contents or {}).items()),
        "memory_map",
        *(["setundef -init -zero"] if from_zero else []),
        "opt -full",
        "async2sync",
        "dffunmap",
        "techmap",
        "setundef -undriven -zero",
        "opt -full -nodffe -nosdff",
        "abc -g AND",
        "opt_clean",
        f"write_aiger -zinit -map {work / 'proof.map'} {work / 'proof.aig'}",
    ]
    run_commands(commands)
    lines = [line.split() for line in (work / "proof.map").read_text().splitlines()]
    return {words[3]: int(words[1]) for words in lines if words[0] == "output"}


def is_reached(work: Path, output: int, frames: int) -> bool:
    """Whether an output can be 1 within so many cycles."""
    return "was asserted in frame" in _abc(work, output, f"bmc3 -F {frames}")


def is_never_reached(work: Path, output: int) -> bool:
    """Whether an output is 0 in all cycles: property directed reachability."""
    return "Property proved" in _abc(work, output, "pdr -T 300")


def equals_by_induction(work: Path, output: int, frames: int) -> bool:
    """Whether an output is 0 in all cycles, since nets that are the same in `frames` cycles are so in the next one.

    What is left without registers is decided by SAT.
    """
    said = _abc(work, output, f"scorr -F {frames} -C 100000; print_stats; sat")
    [left] = re.findall(r"lat = +(\d+)", said)
    return left == "0" and "UNSATISFIABLE" in said


def _abc(work: Path, output: int, command: str) -> str:
    import pyosys

    abc = Path(pyosys.__file__).parent / "yosys-abc"
    script = f"read_aiger {work / 'proof.aig'}; cone -O {output}; strash; scleanup; {command}"
    return subprocess.run([abc, "-c", script], capture_output=True, text=True, check=False).stdout
