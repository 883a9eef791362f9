"""Vitis HLS and Vivado: finding them, running a project's scripts in them, and reading their reports."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnnfpga.base.errors import UserError
from bnnfpga.base.naming import numbered
from bnnfpga.codegen.constants import MAX_MHZ
from bnnfpga.codegen.hls import DEFAULT_PART
from bnnfpga.codegen.vivado import DEFAULT_BOARD, VIVADO_FAMILIES
from bnnfpga.host.project_data import ProjectData
from bnnfpga.synthesis.boards import find_board
from bnnfpga.synthesis.reports import Area, Timing, read_csynth, read_timing, read_utilization
from bnnfpga.synthesis.synthesis_result import SynthesisResult

OLDEST = (2022, 2)
MAX_BEAT_BITS = 1024
_OLDEST_UNIFIED = (2023, 1)
_VERSION_SECONDS = 120
_SETTINGS = "hls_config_synth.cfg"


@dataclass(frozen=True)
class VendorTarget:
    """The target of a build: the FPGA, the board if one was named, and the clock."""

    part: str
    board: str | None
    clock_mhz: float


@dataclass(frozen=True)
class _Flow:
    """How to run one flow, in `folder` of the project.

    `commands` are programs that can run it, preferred first, each with its oldest supported version; `arguments` gives
    a program's arguments for a target; `results` the files that a run must produce; `read` parses these.
    """

    tool: str
    folder: str
    commands: tuple[tuple[str, tuple[int, int]], ...]
    arguments: Callable[[str, VendorTarget], list[str]]
    results: Callable[[str], tuple[str, ...]]
    read: Callable[[Path, tuple[str, ...]], tuple[Area, Timing]]
    bitstream: str | None = None


def _vivado(script: str, *keys: str) -> Callable[[str, VendorTarget], list[str]]:
    def arguments(command: str, target: VendorTarget) -> list[str]:
        settings = {"part": target.part, "board": target.board, "clock_mhz": f"{target.clock_mhz:g}"}
        arguments = [f"{key}={settings[key]}" for key in keys]
        return ["-mode", "batch", "-nojournal", "-nolog", "-source", script, "-tclargs", *arguments]

    return arguments


def _vitis(command: str, target: VendorTarget) -> list[str]:
    if command == "vitis_hls":
        return ["-f", "vitis_hls.tcl", "-tclargs", f"part={target.part}", f"clock_mhz={target.clock_mhz:g}"]
    return ["-c", "--mode", "hls", "--config", _SETTINGS, "--work_dir", "vitis"]


def _write_settings(folder: Path, target: VendorTarget) -> None:
    """Write a copy of the project's `hls_config.cfg` with this part and clock, where v++ reads them."""
    text = (folder / "hls_config.cfg").read_text()
    text = re.sub(r"^part=.*$", f"part={target.part}", text, flags=re.MULTILINE)
    text = re.sub(r"^clock=.*$", f"clock={1000 / target.clock_mhz:g}ns", text, flags=re.MULTILINE)
    (folder / _SETTINGS).write_text(text)


def _csynth(command: str) -> tuple[str, ...]:
    return (
        "vitis_hls/solution/syn/report/csynth.xml" if command == "vitis_hls" else "vitis/hls/syn/report/csynth.xml",
    )


def _read_vivado(folder: Path, results: tuple[str, ...]) -> tuple[Area, Timing]:
    return read_utilization(folder / results[0]), read_timing(folder / results[1])


FLOWS = {
    "vitis": _Flow(
        "Vitis HLS",
        "hls",
        (("vitis_hls", OLDEST), ("v++", _OLDEST_UNIFIED)),
        _vitis,
        _csynth,
        lambda folder, results: read_csynth(folder / results[0]),
    ),
    "vivado-ooc": _Flow(
        "Vivado",
        "vivado",
        (("vivado", OLDEST),),
        _vivado("out_of_context.tcl", "part", "clock_mhz"),
        lambda _: ("build/ooc/utilization.rpt", "build/ooc/timing.rpt"),
        _read_vivado,
    ),
    "vivado": _Flow(
        "Vivado",
        "vivado",
        (("vivado", OLDEST),),
        _vivado("bitstream.tcl", "board", "clock_mhz"),
        lambda _: ("build/utilization.rpt", "build/timing.rpt", "build/accelerator.bit", "build/accelerator.hwh"),
        _read_vivado,
        bitstream="build/accelerator.bit",
    ),
}


def synthesize(
    project: ProjectData,
    flow: str,
    *,
    part: str | None = None,
    board: str | None = None,
    clock_mhz: float | None = None,
) -> SynthesisResult:
    """Run a vendor's flow on a project.

    Parameters
    ----------
    project
        The project to run it on; results and log stay in its folder (`vivado/build`, `hls/vitis_hls`).
    flow
        `vitis` (estimates for the C++), `vivado-ooc` (the RTL, placed and routed out of context) or `vivado` (up to a
        bitstream).
    part, board
        The FPGA, or a board of `flows/vivado/boards.txt` with its FPGA; by default the PYNQ-Z2's.
    clock_mhz
        The target clock; None for the project's.

    Raises
    ------
    UserError
        If the tool is missing, too old, or fails; or an option is invalid.
    """
    chosen = FLOWS[flow]
    target = _target(project, flow, part, board, clock_mhz)
    if flow == "vitis":
        _check_boundary(project)
    if chosen.folder == "vivado" and project.family not in VIVADO_FAMILIES:
        raise UserError(
            f"the project is built for {project.family}, which Vivado does not know",
            where=f"--flow {flow}",
            hint=f"compile it with --family {' or '.join(VIVADO_FAMILIES)}; --flow yosys measures it as it is",
        )
    folder = project.folder / chosen.folder
    if not (folder / "settings.tcl").is_file():
        raise UserError(
            f"the project has no {chosen.folder}/settings.tcl",
            where=str(project.folder),
            hint="compile the model again: bnnfpga compile MODEL -o DIR --force",
        )
    command, version = _find(project, chosen, flow, target)
    results = chosen.results(command)
    for name in results:
        (folder / name).unlink(missing_ok=True)
    if command == "v++":
        _write_settings(folder, target)
    started = time.perf_counter()
    _execute([command, *chosen.arguments(command, target)], folder, folder / f"{flow}.log")
    seconds = time.perf_counter() - started
    missing = [name for name in results if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{chosen.tool} ended without {missing[0]}",
            where=str(folder),
            hint=f"see {folder / f'{flow}.log'}",
        )
    area, timing = chosen.read(folder, results)
    return SynthesisResult(
        flow=flow,
        tool=f"{chosen.tool} {version[0]}.{version[1]}",
        part=target.part,
        clock_mhz=target.clock_mhz,
        lut=area.lut,
        ff=area.ff,
        bram18=area.bram,
        dsp=area.dsp,
        fmax_mhz=timing.fmax_mhz,
        timing_met=timing.met,
        bitstream=None if chosen.bitstream is None else str(folder / chosen.bitstream),
        seconds=seconds,
    )


def _check_boundary(project: ProjectData) -> None:
    """Refuse too wide beats here; Vitis HLS would refuse the C++ only after minutes (hls/bnn/axis_word.hpp)."""
    names = numbered("output", len(project.outputs))
    outputs = [(name, output.stream) for name, output in zip(names, project.outputs, strict=True)]
    for name, stream in [("input", project.input_stream), *outputs]:
        if 8 * stream.beat_bytes > MAX_BEAT_BITS:
            raise UserError(
                f"a beat of the {name} has {8 * stream.beat_bytes} bits, in HLS it has at most {MAX_BEAT_BITS}",
                where=str(project.folder),
                hint=f"compile with fewer lanes at the {name}: more --cycles, or another --folding",
            )


def _target(
    project: ProjectData, flow: str, part: str | None, board: str | None, clock_mhz: float | None
) -> VendorTarget:
    clock = project.clock_mhz if clock_mhz is None else clock_mhz
    if not 0 < clock <= MAX_MHZ:
        raise UserError(
            f"{clock} MHz is not a clock frequency of an FPGA", where="--clock-mhz", hint="give a positive number"
        )
    if part is not None and board is not None:
        raise UserError(
            "both a part and a board were given", where="--part", hint="give one of them; a board implies its part"
        )
    if part is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", part):
        raise UserError(f"{part!r} is not a part", where="--part", hint=f"like {DEFAULT_PART}")
    if flow == "vivado":
        if part is not None:
            raise UserError("a bitstream is for a board", where="--part", hint="name it with --board")
        board = board or DEFAULT_BOARD
    if board is None:
        return VendorTarget(part or DEFAULT_PART, None, clock)
    data = find_board(board)
    if flow == "vivado" and clock > data.fastest_mhz:
        raise UserError(
            f"{board} has no clock of {clock:g} MHz", where="--clock-mhz", hint=f"give at most {data.fastest_mhz:g}"
        )
    return VendorTarget(data.part, board, clock)


def _find(project: ProjectData, flow: _Flow, name: str, target: VendorTarget) -> tuple[str, tuple[int, int]]:
    """The first installed program of a flow, and its version."""
    problem = f"{flow.tool} is not on the PATH"
    for command, oldest in flow.commands:
        path = shutil.which(command)
        if path is None:
            continue
        version = version_of(path)
        if version is not None and version >= oldest:
            return command, version
        finding = "does not tell its version" if version is None else f"is {version[0]}.{version[1]}"
        problem = f"{path} {finding}, {oldest[0]}.{oldest[1]} is the first that serves"
        break
    command, oldest = flow.commands[0]
    line = shlex.join([command, *flow.arguments(command, target)])
    place = shlex.quote(f"{project.folder.name or 'DIR'}/{flow.folder}")
    raise UserError(
        f"{problem}; {flow.tool} {oldest[0]}.{oldest[1]} or later is needed, and nothing was run",
        where=f"--flow {name}",
        hint=f"source its settings64.sh first; or copy the project to a machine that has it, and run there: "
        f"cd {place} && {line}",
    )


def version_of(path: str) -> tuple[int, int] | None:
    """Year and number of a vendor program's version, or None if it does not report one."""
    flag = "-version" if Path(path).name == "vivado" else "--version"
    try:
        done = subprocess.run(
            [path, flag],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bv?(20\d\d)\.(\d)", done.stdout + done.stderr)
    return (int(match[1]), int(match[2])) if done.returncode == 0 and match else None


def _execute(command: Sequence[str], folder: Path, log: Path) -> None:
    """Run a tool in a folder with its output in a log; a failure is reported with the log's first error."""
    with log.open("wb") as file:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env={**os.environ}
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if line.lower().startswith("error")]
        about = (errors or lines or ["it printed nothing"])[0 if errors else -1]
        raise UserError(f"{command[0]} failed: {about}", where=str(folder), hint=f"see {log}")
