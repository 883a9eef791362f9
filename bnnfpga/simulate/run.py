"""Running a project on a batch and comparing it with the golden model of its source."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.constants import TRACE_MEGABYTES
from bnnfpga.dataflow.token_model import steady_interval
from bnnfpga.host.description import alone
from bnnfpga.host.images import Images
from bnnfpga.host.project_data import ProjectData
from bnnfpga.numbers.integers import IntArray
from bnnfpga.simulate.image_range import image_warnings
from bnnfpga.simulate.reference import Reference, Scores, golden_scores
from bnnfpga.simulate.runners.csim import build_csim, run_csim
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.simulate.runners.emulator_library import build_ahead
from bnnfpga.simulate.runners.hls_rtl import stage_hls_rtl
from bnnfpga.simulate.runners.simulator import build_simulator
from bnnfpga.simulate.runners.verilator import RtlRun, run_simulator
from bnnfpga.simulate.simulation_result import SimulationResult

BACKENDS = ("rtl", "hls", "emulator")
_MAX_MEGABYTES = 1_000_000


def simulate(
    reference: Reference,
    images: Images,
    labels: IntArray | None,
    *,
    backend: str,
    streams: bool,
    trace: Path | None,
    trace_megabytes: int = TRACE_MEGABYTES,
    stall_seed: int | None,
    verilator: str | None,
    rtl_from: Path | None = None,
) -> SimulationResult:
    """See `Project.simulate`."""
    project = reference.project
    if backend not in BACKENDS:
        raise UserError(f"there is no backend {backend!r}", where="--backend", hint=f"give {', '.join(BACKENDS)}")
    if backend != "rtl" and (streams or trace or stall_seed is not None):
        raise UserError(
            "stream counters, waveforms and stalls need the cycle-accurate backend",
            where="--backend",
            hint="use --backend rtl",
        )
    if rtl_from is not None and (backend != "rtl" or streams):
        raise UserError(
            "only the backend rtl, without stream counters, simulates other Verilog",
            where="--rtl-from",
            hint="omit --backend and --streams",
        )
    if not 1 <= trace_megabytes <= _MAX_MEGABYTES:
        raise UserError(
            f"{trace_megabytes} MB is not a size for a waveform",
            where="--trace-megabytes",
            hint=f"give 1 to {_MAX_MEGABYTES}",
        )
    if stall_seed is not None and not 0 <= stall_seed < 1 << 64:
        raise UserError(f"{stall_seed} is not a seed", where="--stall-seed", hint="give an integer from 0 to 2^64 - 1")
    if backend == "emulator":
        build_ahead()
    golden = golden_scores(reference, images)
    timing: dict[str, Any]
    if backend == "rtl":
        scores, timing = _run_rtl(project, images, streams, trace, trace_megabytes, stall_seed, verilator, rtl_from)
    else:
        scores, timing = _run_untimed(reference, images, run_hls if backend == "hls" else run_emulated)
    outputs = project.to_model(scores)
    values = None if project.output_kind == "class" else alone(project.values(outputs))
    classes = project.classify(outputs)
    shapes = [(len(images.codes), *output.shape) for output in project.outputs]
    differ = [np.any(got != expected, axis=1) for got, expected in zip(scores, golden, strict=True)]
    return SimulationResult(
        backend=backend,
        outputs=alone([array.reshape(shape) for array, shape in zip(outputs, shapes, strict=True)]),
        values=values,
        classes=alone(classes),
        images=len(images.codes),
        mismatches=int(np.any(differ, axis=0).sum()),
        accuracy=None if labels is None else float((classes[0] == labels).mean()),
        # Cycles are predicted for the project's own RTL only.
        predicted_initiation_interval=None if rtl_from else project.description["predicted_initiation_interval"],
        predicted_latency_cycles=None if rtl_from else project.description["predicted_latency_cycles"],
        input=project.input_summary,
        warnings=tuple(image_warnings(images.codes, project.input_stream.type, project.input_format)),
        **timing,
    )


def run_rtl(
    project: ProjectData,
    images: Images,
    *,
    streams: bool = False,
    trace: Path | None = None,
    trace_megabytes: int = TRACE_MEGABYTES,
    stall_seed: int | None = None,
    verilator: str | None = None,
    most_cycles: int | None = None,
    explain: bool = True,
    rtl_from: Path | None = None,
) -> tuple[Scores, RtlRun, float]:
    """Build (or find) the Verilated simulator and run a batch; returns scores, the run and the build time in seconds.

    `rtl_from` is a folder with Verilog from Vitis HLS, to simulate instead of the project's own RTL.
    """
    kind = "none" if trace is None else trace.suffix[1:]
    if kind not in ("none", "vcd", "fst"):
        raise UserError(
            f"{trace} is not a waveform file", where="--trace", hint="give a name that ends in .vcd or .fst"
        )
    with TemporaryDirectory(prefix="bnnfpga-") as staged:
        source = project.folder
        if rtl_from is not None:
            source = Path(staged)
            stage_hls_rtl(project, rtl_from, source)
        simulator = build_simulator(source, trace=kind, monitor=streams, verilator=verilator)  # type: ignore[arg-type]
        run = run_simulator(
            replace(simulator, project=rtl_from or source),
            source / "memories",
            project.pack(images),
            len(images.codes),
            stall_seed=stall_seed,
            trace=trace,
            trace_megabytes=trace_megabytes,
            streams=streams,
            most_cycles=most_cycles,
            explain=explain and rtl_from is None,
        )
    return project.unpack(run.output), run, simulator.build_seconds


def _run_rtl(
    project: ProjectData,
    images: Images,
    streams: bool,
    trace: Path | None,
    trace_megabytes: int,
    stall_seed: int | None,
    verilator: str | None,
    rtl_from: Path | None,
) -> tuple[Scores, dict[str, Any]]:
    started = time.perf_counter()
    scores, run, build_seconds = run_rtl(
        project,
        images,
        streams=streams,
        trace=trace,
        trace_megabytes=trace_megabytes,
        stall_seed=stall_seed,
        verilator=verilator,
        rtl_from=rtl_from,
    )
    run_seconds = time.perf_counter() - started - build_seconds
    latency = int(run.frame_done[0]) - run.first_input_cycle
    interval, constant = None, None
    if stall_seed is None and len(run.frame_done) >= 3:
        interval, constant = steady_interval(run.frame_done.tolist(), latency)
    return scores, {
        "frame_done": run.frame_done,
        "cycles": run.cycles,
        "initiation_interval": interval,
        "interval_constant": constant,
        "latency_cycles": latency,
        "simulated_cycles_per_second": run.cycles / run.seconds if run.seconds else None,
        "build_seconds": build_seconds,
        "run_seconds": run_seconds,
        "streams": run.streams,
        "trace": None if trace is None else _trace(trace, run),
    }


def _trace(file: Path, run: RtlRun) -> dict[str, Any]:
    """The part of a run that a waveform covers."""
    cycles = run.cycles if run.traced_cycles is None else run.traced_cycles
    images = int(np.searchsorted(run.frame_done, cycles))
    return {"file": str(file), "cycles": cycles, "images": images, "complete": cycles >= run.cycles}


def run_hls(reference: Reference, images: Images) -> tuple[Scores, float]:
    """Build (or find) the C++ simulation and run a batch; returns scores and the build time in seconds."""
    project = reference.project
    simulator = build_csim(project.folder)
    return project.unpack(run_csim(simulator, project.pack(images), len(images.codes))), simulator.build_seconds


def run_emulated(reference: Reference, images: Images) -> tuple[Scores, float]:
    """Run a batch through the emulator; returns scores and the seconds for building graph and library."""
    started = time.perf_counter()
    emulator = Emulator(reference.graph)
    build_seconds = time.perf_counter() - started
    return emulator.scores(images.codes), build_seconds


def _run_untimed(
    reference: Reference, images: Images, run: Callable[[Reference, Images], tuple[Scores, float]]
) -> tuple[Scores, dict[str, Any]]:
    """Run a backend that has no cycles."""
    started = time.perf_counter()
    scores, build_seconds = run(reference, images)
    nothing = dict.fromkeys(
        (
            "frame_done",
            "cycles",
            "initiation_interval",
            "interval_constant",
            "latency_cycles",
            "simulated_cycles_per_second",
            "streams",
            "trace",
        )
    )
    return scores, {
        **nothing,
        "build_seconds": build_seconds,
        "run_seconds": time.perf_counter() - started - build_seconds,
    }
