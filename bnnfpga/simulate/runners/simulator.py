"""Building the Verilated simulator of a project, cached by everything that it depends on.

BNNFPGA_OPTIMIZE is the C++ compiler's optimisation level, 0 to 3. For few frames, a build at 1 takes a fraction of the
time of one at 3, which is meant for many.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bnnfpga.base.errors import UserError
from bnnfpga.native.cache import cache_folder, cached_build
from bnnfpga.native.toolchain import (
    Verilator,
    available_processors,
    find_compiler,
    find_make,
    find_verilator,
    require_fst,
)

Trace = Literal["none", "vcd", "fst"]

_PROGRAM = "simulator"
_RULES = "sim/build.mk"
_LOG_LINES = 15
_FULL = "No space left on device"
_ERROR = re.compile(r"\berror\b", re.IGNORECASE)
_MAX_JOBS = 8
OPTIMIZE = "BNNFPGA_OPTIMIZE"


@dataclass(frozen=True)
class Simulator:
    """A Verilated project.

    Parameters
    ----------
    path
        The executable.
    build_seconds
        Time to build it; almost none if it was in the cache.
    from_cache
        Whether it was in the cache.
    project, trace, monitor, verilator
        The arguments of `build_simulator`.
    """

    path: Path
    build_seconds: float
    from_cache: bool
    project: Path
    trace: Trace
    monitor: bool
    verilator: str | None


def build_simulator(
    project_dir: Path, *, trace: Trace = "none", monitor: bool = False, verilator: str | None = None
) -> Simulator:
    """Build a project's simulator, or find it in the cache.

    The memories are not part of it: they are read when it runs.

    Parameters
    ----------
    project_dir
        A compiled project, with `rtl/` and `sim/`.
    trace
        The kind of waveform that the simulator can write. Tracing makes it slower.
    monitor
        Whether every stream counts its stalled and starved cycles.
    verilator
        The command to use instead of the one that `find_verilator` finds.

    Raises
    ------
    UserError
        If a tool is missing or the build fails.
    """
    started = time.perf_counter()
    sources = _read_sources(project_dir)
    tool = find_verilator(verilator)
    compiler = find_compiler()
    if trace == "fst":
        require_fst(tool, compiler)
    settings = [f"VERILATOR={tool.command}", f"CXX={shlex.join(compiler.command)}", "PROJECT=project", "BUILD=build"]
    # Two builds of one Verilator version at the same place differ in size.
    parts: list[str | bytes] = [*settings, str(tool.version), str(tool.root), str(Path(tool.command).stat().st_size)]
    parts.append(compiler.identity)
    options = [f"TRACE={trace}", f"MONITOR={int(monitor)}", f"OPTIMIZE={_optimization()}"]
    # VCD needs no additional libraries, so one runtime serves both VCD and no trace.
    runtime_trace = "fst" if trace == "fst" else "vcd"
    from_cache = True

    def build_runtime(folder: Path) -> None:
        _write_files(folder / "project", {_RULES: sources[_RULES]})
        _make(folder, tool, [*settings, f"TRACE={runtime_trace}", "RUNTIME=.", "runtime"])

    def build(folder: Path) -> None:
        nonlocal from_cache
        from_cache = False
        _write_files(folder / "project", sources)
        # A relative path, since that of the cache may contain spaces.
        _make(folder, tool, [*settings, *options, f"RUNTIME=../{runtime.name}", _PROGRAM])
        (folder / "build" / _PROGRAM).rename(folder / _PROGRAM)
        shutil.rmtree(folder / "build")
        shutil.rmtree(folder / "project")

    runtime = cached_build([*parts, runtime_trace, sources[_RULES]], build_runtime, "verilator-runtime")
    for name, data in sources.items():
        parts += [name, data]
    built = cached_build([*parts, *options], build, "simulator")
    return Simulator(
        path=built / _PROGRAM,
        build_seconds=time.perf_counter() - started,
        from_cache=from_cache,
        project=project_dir,
        trace=trace,
        monitor=monitor,
        verilator=verilator,
    )


def _optimization() -> str:
    level = os.environ.get(OPTIMIZE, "3")
    if level not in ("0", "1", "2", "3"):
        raise UserError(f"{level!r} is not a level of optimisation", where=OPTIMIZE, hint="set it to 0, 1, 2 or 3")
    return level


def _read_sources(project: Path) -> dict[str, bytes]:
    """All sources of a simulator, by their path in the project."""
    for name in ("rtl/accelerator.sv", _RULES):
        if not (project / name).is_file():
            raise UserError("this is not a compiled project", where=str(project / name), hint="compile the model again")
    files = [path for folder in ("rtl", "sim") for path in sorted((project / folder).rglob("*")) if path.is_file()]
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _make(folder: Path, tool: Verilator, arguments: list[str]) -> None:
    """Run the project's make rules in `folder`; on failure, keep the log in the cache and show its first error."""
    command = [
        find_make(),
        "-f",
        f"project/{_RULES}",
        "V=1",
        f"JOBS={min(_MAX_JOBS, available_processors())}",
        *arguments,
    ]
    # A calling make must not pass on its own options and job server.
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    environment["LC_ALL"] = "C"
    log = folder / "build.log"
    with log.open("wb") as output:
        status = subprocess.run(
            command,
            cwd=folder,
            env=environment | tool.variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status == 0:
        return
    text = log.read_text(errors="replace")
    if _FULL in text:
        raise OSError(errno.ENOSPC, _FULL)
    kept = cache_folder() / "failed-build.log"
    shutil.copy(log, kept)
    raise UserError(
        "building the simulator failed:\n" + _first_error(text),
        where=str(kept),
        hint="that file has all that was printed; `bnnfpga doctor` shows the tools that were used",
    )


def _first_error(text: str) -> str:
    """The lines of a log from its first error on; most later ones are only consequences."""
    # make's own complaints only repeat what failed.
    lines = [line for line in text.strip().splitlines() if not line.startswith(("make", "gmake"))]
    start = next((i for i, line in enumerate(lines) if _ERROR.search(line)), max(0, len(lines) - _LOG_LINES))
    return "\n".join(lines[start : start + _LOG_LINES])
