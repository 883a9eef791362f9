"""Proofs about modules with registers: Yosys makes an AIGER netlist of a harness, and yosys-abc checks it.

A harness is a module `proof` whose output `bad` must never be 1; its other outputs must each be 1 at some time, so that
what is proven is not empty. Registers without a reset start with any value. A memory's contents are a constant of the
harness, any one: what is proven holds for all weights.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from bnnfpga.base.assets import asset

CELLS = Path(__file__).parent / "xilinx_cells.sv"

MEMORY = """
// A memory whose contents are those that the harness connects.
module bnn_rom #(
  parameter int unsigned Width = 1, Words = 1, AddressBits = 1, Stages = 1, parameter Kind = "", File = ""
) (
  input wire clk_i, input wire [AddressBits-1:0] address_i, output wire [Width-1:0] data_o
);
  wire [Words*Width-1:0] content;
  wire [Width-1:0] chosen [0:2**AddressBits-1];
  reg [Width-1:0] word, second;
  reg [Width-1:0] read;
  integer n;
  always @* begin
    read = content[Width-1:0];
    for (n = 1; n < Words; n = n + 1) if (address_i == AddressBits'(n)) read = content[n*Width+:Width];
  end
  always @(posedge clk_i) begin
    word <= read;
    second <= word;
  end
  assign data_o = Stages == 2 ? second : word;
endmodule
"""

Answer = Literal["proven", "reached", "unknown"]


def make_aiger(
    harness: str,
    modules: Sequence[str],
    work: Path,
    contents: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
    *,
    from_zero: bool = False,
) -> dict[str, int]:
    """Write `proof.aig` and return the numbers of the harness' outputs.

    `contents` are the memories' paths below the harness, and what they hold. `changes` replaces text of the modules, to
    plant faults.
    """
    pytest.importorskip("pyosys")
    sources = [(asset("rtl") / f"bnn_{name}.sv").read_text() for name in modules]
    for old, new in (changes or {}).items():
        assert any(old in source for source in sources), old
        sources = [source.replace(old, new) for source in sources]
    memory = MEMORY if contents else ""
    (work / "proof.sv").write_text("\n".join([CELLS.read_text(), *sources, memory, harness]))
    commands = [
        f"read_verilog -sv -formal -D SYNTHESIS -D YOSYS {work / 'proof.sv'}",
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
    script = f"from pyosys import libyosys\nd = libyosys.Design()\nfor c in {commands}:\n    libyosys.run_pass(c, d)\n"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
    lines = [line.split() for line in (work / "proof.map").read_text().splitlines()]
    return {words[3]: int(words[1]) for words in lines if words[0] == "output"}


def check(work: Path, output: int, command: str) -> Answer:
    """What yosys-abc says of an output: that it is never 1, that it is reached, or neither."""
    import pyosys

    abc = Path(pyosys.__file__).parent / "yosys-abc"
    script = f"read_aiger {work / 'proof.aig'}; cone -O {output}; strash; scleanup; {command}"
    run = subprocess.run([abc, "-c", script], capture_output=True, text=True, check=False)
    if "was asserted in frame" in run.stdout:
        return "reached"
    return "proven" if "Property proved" in run.stdout or "No output asserted" in run.stdout else "unknown"
