"""C simulation of a project's HLS C++."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.hls import AP_TYPES
from bnnfpga.native.cache import cached_build
from bnnfpga.native.toolchain import available_processors, find_compiler
from bnnfpga.simulate.runners.hls_headers import find_headers
from bnnfpga.simulate.runners.scratch import INPUT, run_program, scratch_folder

_FLAGS = ("-std=c++17", "-O2")
_SOURCES = ("top.cpp", "testbench.cpp")
_PROGRAM = "testbench"
_MIN_FRAMES = 8
"""Least number of frames per process: starting another one does not pay off for fewer."""


class CSimulationError(UserError):
    """The simulation ran but failed, or did not output whole frames."""


@dataclass(frozen=True)
class CSimulator:
    """A compiled test bench.

    Parameters
    ----------
    program
        The executable.
    build_seconds
        Time to build it; almost none if it was in the cache.
    """

    program: Path
    build_seconds: float


def build_csim(project: Path, *, dump: bool = False) -> CSimulator:
    """Compile a project's `hls/`, or find it in the cache; with `dump`, it can write what streams carry.

    Raises
    ------
    UserError
        If the project has no HLS, the compiler or `ap_int.h` is missing, or compilation fails.
    """
    started = time.perf_counter()
    folder = project.absolute() / "hls"
    sources = [folder / name for name in _SOURCES]
    for source in sources:
        if not source.is_file():
            raise UserError("the project has no HLS sources", where=str(source), hint="compile the model again")
    compiler = find_compiler()
    headers = find_headers(folder / AP_TYPES)
    flags = (*_FLAGS, compiler.native, *(("-DBNN_DUMP",) if dump else ()))

    def compile_one(source: Path, target: Path) -> None:
        command = [*compiler.command, *flags, "-isystem", str(headers)]
        _run([*command, "-c", str(source), "-o", str(target)], source)

    def build(target: Path) -> None:
        objects = [target / f"{source.stem}.o" for source in sources]
        with ThreadPoolExecutor() as pool:
            list(pool.map(compile_one, sources, objects))
        _run([*compiler.command, *map(str, objects), "-o", str(target / _PROGRAM)], folder)
        for path in objects:
            path.unlink()

    parts: list[str | bytes] = ["csim", *compiler.command, compiler.identity, *flags]
    for path in [*sorted(folder.rglob("*.[ch]pp")), *sorted(headers.glob("*.h")), *sorted(headers.glob("etc/*.h"))]:
        parts += [path.name, path.read_bytes()]
    built = cached_build(parts, build, "csim")
    return CSimulator(built / _PROGRAM, time.perf_counter() - started)


def run_csim(
    simulator: CSimulator, data: NDArray[np.uint8] | bytes, frames: int, *, processes: int | None = None
) -> NDArray[np.uint8]:
    """Send frames through the accelerator, in parallel processes, since no unit keeps state between frames.

    Parameters
    ----------
    simulator
        From `build_csim`.
    data
        The bytes of all input beats, frame after frame.
    frames
        The number of frames.
    processes
        The number of processes that share them; by default as many as there are processors.

    Returns
    -------
    array
        The bytes of the output beats, (frames, beats * bytes); in each frame, the outputs follow each other.

    Raises
    ------
    UserError
        If the simulation cannot be run.
    CSimulationError
        If it fails, or does not output whole frames.
    """
    packed = np.frombuffer(data, dtype=np.uint8) if isinstance(data, bytes) else data.reshape(-1)
    if frames == 0 or packed.size % frames:
        return _run_part(simulator, packed, frames)
    parts = max(1, min(processes or available_processors(), frames // _MIN_FRAMES))
    rows = np.array_split(packed.reshape(frames, -1), parts)
    with ThreadPoolExecutor(parts) as pool:
        return np.concatenate(list(pool.map(lambda part: _run_part(simulator, part, len(part)), rows)))


def _run_part(simulator: CSimulator, data: NDArray[np.uint8], frames: int) -> NDArray[np.uint8]:
    with scratch_folder(data) as folder:
        written = folder / "output.bin"
        command = [str(simulator.program), "--input", str(folder / INPUT), "--output", str(written)]
        _run(command, simulator.program, CSimulationError)
        output = np.fromfile(written, dtype=np.uint8)
    if frames == 0 or output.size % frames:
        raise CSimulationError(f"the simulation made {output.size} bytes, no whole number for each of {frames} frames")
    return output.reshape(frames, -1)


def watch_csim(simulator: CSimulator, data: NDArray[np.uint8] | bytes) -> dict[str, bytes]:
    """Send frames through a simulator built with `dump`, and record what each stream carries, however the run ends.

    Returns
    -------
    dict
        The data that hls/bnn/dump.hpp wrote, by stream name; empty for a project without it.
    """
    with scratch_folder(data) as folder:
        command = [str(simulator.program), "--input", str(folder / INPUT)]
        run_program(command, env={**os.environ, "BNN_DUMP_TO": str(folder)})
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.words"))}


def _run(command: list[str], where: Path, kind: type[UserError] = UserError) -> None:
    result = run_program(command)
    if result.returncode != 0:
        printed = "\n".join(result.stdout.strip().splitlines()[:20])
        raise kind(f"{Path(command[0]).name} failed with status {result.returncode}:\n{printed}", where=str(where))
