"""Cycle-accurate simulation of frames with a project's Verilated RTL."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.constants import TRACE_MEGABYTES
from bnnfpga.simulate.runners.scratch import INPUT, run_program, scratch_folder
from bnnfpga.simulate.runners.simulator import Simulator, Trace, build_simulator

__all__ = [
    "RtlRun",
    "SimulationDeadlock",
    "SimulationError",
    "Simulator",
    "Trace",
    "build_simulator",
    "run_simulator",
]

# Exit statuses of the harness, see flows/verilator/options.h.
_DEADLOCK, _INTERRUPTED = 4, 130
_MEMORY_ERROR = re.compile(r"([\w.-]+\.mem):(?:\d+:)? \$readmem (.*)")
_WRONG_RUNS = (3, 4, 5)
_FIGURES = ("name", "stalled_cycles", "starved_cycles", "max_occupancy")


class SimulationError(UserError):
    """The simulation ended before all frames had come out.

    `end` is the reason if it lies in the accelerator: `wrong_tlast`, `unstable_output`, `deadlock` or `too_slow`;
    `output` is the number of the output that showed one of the first two.
    """

    def __init__(
        self, message: str, where: str, *, hint: str | None = None, end: str | None = None, output: int = 0
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.end, self.output = end, output


class SimulationDeadlock(SimulationError):
    """The accelerator deadlocked.

    Parameters
    ----------
    message, where
        As in `UserError`.
    last_transfer
        Cycle of the last transfer on any external stream.
    frames_in, frames_out
        Whole frames that had gone in and come out by then.
    stuck
        Names of the streams with VALID high and READY low.
    starved
        Names of the streams with READY high and VALID low.
    """

    def __init__(
        self,
        message: str,
        where: str,
        *,
        last_transfer: int,
        frames_in: int,
        frames_out: int,
        stuck: list[str],
        starved: list[str],
    ) -> None:
        super().__init__(message, where, end="deadlock")
        self.last_transfer = last_transfer
        self.frames_in = frames_in
        self.frames_out = frames_out
        self.stuck = stuck
        self.starved = starved


@dataclass(frozen=True)
class WaveformWindow:
    """A waveform of the cycles `first` to `last`, both included; `path` ends in .vcd or .fst."""

    path: Path
    first: int
    last: int


@dataclass(frozen=True)
class RtlRun:
    """The output of a simulation, and its cycles.

    A transfer's cycle is the index of the rising clock edge at which it happens, counted from the first after reset.

    Parameters
    ----------
    output
        Bytes of the output beats, (frames, beats * bytes); in each frame, the outputs follow each other.
    cycles
        Cycles up to and including the last output transfer.
    seconds
        Time in the evaluation loop only.
    first_input_cycle
        Cycle of the first input transfer.
    frame_done
        For each frame the cycle of its last output transfer on any port.
    streams
        For each stream `name`, `stalled_cycles`, `starved_cycles` and `max_occupancy`, if requested.
    traced_cycles
        The number of cycles in the waveform, if one was requested.
    """

    output: NDArray[np.uint8]
    cycles: int
    seconds: float
    first_input_cycle: int
    frame_done: NDArray[np.int64]
    streams: list[dict[str, Any]] | None
    traced_cycles: int | None = None


def run_simulator(
    simulator: Simulator,
    memories_dir: Path,
    input_bytes: bytes | NDArray[np.uint8],
    frames: int,
    *,
    stall_seed: int | None = None,
    pace: int | None = None,
    depths: Mapping[str, int] | None = None,
    trace: Path | None = None,
    trace_megabytes: int = TRACE_MEGABYTES,
    watchdog: int | None = None,
    most_cycles: int | None = None,
    streams: bool = False,
    explain: bool = True,
) -> RtlRun:
    """Send frames through the accelerator.

    Parameters
    ----------
    simulator
        From `build_simulator`; built with a `trace` for a waveform, with `monitor` for `streams`.
    memories_dir
        The project's memory files.
    input_bytes
        The bytes of all input beats, frame after frame.
    frames
        The number of frames.
    stall_seed
        Stalls all external streams at random, in bursts seeded by this number.
    pace
        Cycles per frame at which the input's beats come, evenly; None for an input that is always valid.
    depths
        FIFOs that are less deep than they were built; needs `monitor`.
    trace
        The waveform to write.
    trace_megabytes
        The size at which the waveform ends; the simulation continues.
    watchdog
        Cycles without a transfer that count as a deadlock; None for a multiple of the predicted cycles.
    most_cycles
        Cycles after which to give up; None for no limit.
    streams
        Whether to return the streams' figures.
    explain
        Whether to repeat a deadlocked run with monitors, to name the streams that are stuck.

    Raises
    ------
    SimulationDeadlock
        If nothing moves any more.
    SimulationError
        If `tlast` marks the wrong beat, the cycles do not suffice, or the simulation fails otherwise.
    """
    if (streams or depths) and not simulator.monitor:
        raise ValueError("streams and depths need a simulator built with monitor=True")
    if trace is not None and simulator.trace == "none":
        raise ValueError("a waveform needs a simulator built with a trace")
    options = ["--frames", str(frames)]
    if stall_seed is not None:
        options += ["--stall-seed", str(stall_seed)]
    if pace is not None:
        options += ["--pace", str(pace)]
    options += [f"+TOP.accelerator.{name}={beats}" for name, beats in (depths or {}).items()]
    if watchdog is not None:
        options += ["--watchdog", str(watchdog)]
    if most_cycles is not None:
        options += ["--most-cycles", str(most_cycles)]
    with scratch_folder(input_bytes) as folder:
        traced = [] if trace is None else ["--trace", str(trace.absolute()), "--trace-megabytes", str(trace_megabytes)]
        status, printed = _run(simulator, memories_dir, folder, [*options, *traced])
        if status == _DEADLOCK:
            raise _explain_deadlock(simulator, memories_dir, folder, options, printed, watch=explain)
        if status != 0:
            raise _explain_failure(simulator, memories_dir, folder, status, printed)
        if printed:
            # Messages of the RTL itself, above all about its memory files.
            print(printed, file=sys.stderr)
        report = json.loads((folder / "report.json").read_text())
        return RtlRun(
            output=np.fromfile(folder / "output.bin", dtype=np.uint8).reshape(frames, -1),
            cycles=report["cycles"],
            seconds=report["seconds"],
            first_input_cycle=report["first_input_cycle"],
            frame_done=np.array(report["frame_done"], dtype=np.int64),
            streams=[{key: stream[key] for key in _FIGURES} for stream in _read_streams(folder)] if streams else None,
            traced_cycles=report.get("traced_cycles"),
        )


def watch_simulator(
    simulator: Simulator,
    memories_dir: Path,
    input_bytes: bytes | NDArray[np.uint8],
    frames: int,
    *,
    most_cycles: int | None = None,
    window: WaveformWindow | None = None,
) -> tuple[dict[str, bytes], int]:
    """Send frames through the accelerator and record what each stream carries, however the run ends.

    Returns
    -------
    tuple
        The data of the streams' monitors by stream name (flows/verilator/bnn_stream_monitor.sv), empty for a simulator
        without monitors; and the number of cycles.
    """
    options = ["--frames", str(frames)]
    if most_cycles is not None:
        options += ["--most-cycles", str(most_cycles)]
    if window is not None:
        options += ["--trace", str(window.path.absolute())]
        options += ["--trace-from", str(window.first), "--trace-to", str(window.last)]
    with scratch_folder(input_bytes) as folder:
        status, printed = _run(simulator, memories_dir, folder, [*options, f"+bnn_beats={folder}"])
        if status not in (0, *_WRONG_RUNS):
            raise _explain_failure(simulator, memories_dir, folder, status, printed)
        report = json.loads((folder / "report.json").read_text())
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.beats"))}, report["cycles"]


def _run(simulator: Simulator, memories: Path, folder: Path, options: list[str]) -> tuple[int, str]:
    """Run the harness on the input in a folder, where it writes its files; returns its status and printed output."""
    command = [str(simulator.path.absolute()), "--quiet", *options]
    for option, name in (("--input", INPUT), ("--output", "output.bin"), ("--report", "report.json")):
        command += [option, str(folder / name)]
    if simulator.monitor:
        command.append(f"+bnn_streams={folder / 'streams'}")
    done = run_program(command, cwd=memories)
    if done.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    return done.returncode, done.stdout.strip()


def _explain_failure(simulator: Simulator, memories: Path, folder: Path, status: int, printed: str) -> SimulationError:
    """The error for a run that ended early; the most frequent cause is a missing or damaged memory file."""
    text = printed.removeprefix("error: ").removesuffix("\nAborting...")
    message = text or f"the simulator ended with status {status}"
    if match := _MEMORY_ERROR.search(printed):
        return SimulationError(
            f"this memory file is missing or damaged: {match[2]}",
            where=str(memories / match[1]),
            hint="compile the model again: bnnfpga compile MODEL -o DIR --force",
        )
    hint = "compile the model again"
    if status not in _WRONG_RUNS:
        return SimulationError(message, str(simulator.project), hint=hint)
    report = json.loads((folder / "report.json").read_text())
    return SimulationError(message, str(simulator.project), hint=hint, end=report["end"], output=report["wrong_output"])


def _read_streams(folder: Path) -> list[dict[str, Any]]:
    """Read the figures that the stream monitors wrote, one line per stream."""
    path = folder / "streams"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _explain_deadlock(
    simulator: Simulator, memories: Path, folder: Path, options: list[str], printed: str, *, watch: bool
) -> SimulationDeadlock:
    """The error for a deadlock; with `watch`, a run without monitors is first repeated with them."""
    report = json.loads((folder / "report.json").read_text())
    if watch and not simulator.monitor:
        # If the monitors cannot be built, the deadlock is reported without the streams' names.
        with contextlib.suppress(UserError):
            watched = build_simulator(simulator.project, monitor=True, verilator=simulator.verilator)
            _run(watched, memories, folder, options)
    streams = _read_streams(folder)
    stuck = [stream["name"] for stream in streams if stream["valid"] and not stream["ready"]]
    starved = [stream["name"] for stream in streams if stream["ready"] and not stream["valid"]]
    lines = [printed.removeprefix("error: ")]
    if stuck:
        lines.append(f"stuck, a beat waits and is not taken: {', '.join(stuck)}")
    if starved:
        lines.append(f"starved, a beat would be taken and none comes: {', '.join(starved)}")
    return SimulationDeadlock(
        "\n".join(lines),
        str(simulator.project),
        last_transfer=report["last_transfer_cycle"],
        frames_in=report["frames_in"],
        frames_out=report["frames_out"],
        stuck=stuck,
        starved=starved,
    )
