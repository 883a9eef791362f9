"""From a model to a project: the steps of a build."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from bnnfpga.api import Project
from bnnfpga.base.errors import UserError, located
from bnnfpga.base.files import restore_hidden, whole_folder
from bnnfpga.compiler.first_quantizer import input_warnings
from bnnfpga.compiler.frames import self_check_frames
from bnnfpga.compiler.plan import Plan, check_options, make_plan
from bnnfpga.compiler.project_folder import write_project
from bnnfpga.compiler.project_graph import remember_graph
from bnnfpga.compiler.vectors import Vectors, check_vectors, make_vectors
from bnnfpga.dataflow.graph import Graph
from bnnfpga.golden.file_check import require_agreement
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.input_format import InputFormat
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.simulate.runners.emulator_library import build_ahead, native_path
from bnnfpga.simulate.runners.hls_headers import open_headers

_MAX_MHZ = 10_000
_MARKS = ("project.json", "functions.json", "rtl/accelerator.sv")
"""Files by which a project is known."""


def compile_model(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    target_fps: float | None = None,
    clock_mhz: float = 100,
    cycles: int | None = None,
    input: str | None = None,
    input_scale: float | str | Fraction | None = None,
    output_kind: str = "scores",
    force: bool = False,
) -> Project:
    """Compile a model to an accelerator project.

    Parameters
    ----------
    model
        A QONNX file, as `bnnfpga.export_qonnx` writes it; it may be gzip-compressed.
    output
        The folder to write. It must not exist, or `force` replaces it as a whole.
    folding
        PE, SIMD and memory kind by layer: a YAML file or a mapping. What it leaves open is chosen as
        without one. Mutually exclusive with `target_fps` and `cycles`.
    target_fps, clock_mhz
        Frames per second that the accelerator must reach, at a clock in MHz.
    cycles
        The most cycles per frame.
    input, input_scale
        The type of one input element (`uint8`, `int4`, `bipolar`, `float`); the model's input is code * scale.
    output_kind
        What the accelerator gives: integer `scores`, or the `class`, decided in hardware.

    Raises
    ------
    UserError
        If the model cannot be compiled or an option is not legal. Nothing is left behind then.
    ResultsDiffer
        If the accelerator would not compute what the file says, which is a bug. Nothing is left behind either.
    """
    started = time.perf_counter()
    path, target = Path(model), Path(output)
    if target.name in ("", ".."):
        target = target.resolve()
    format = InputFormat.parse(input, input_scale)
    allowed = _cycles_allowed(target_fps, clock_mhz, cycles)
    check_options(folding, allowed, output_kind)
    try:
        restore_hidden(target)
        _check_target(target, force=force)
        _check_inputs_stay(target, path, *([] if folding is None or isinstance(folding, Mapping) else [Path(folding)]))
    except OSError as error:
        raise UserError(
            f"cannot write there: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error
    plan = make_plan(path, format, folding=folding, cycles=allowed, output_kind=output_kind)
    build_ahead()
    with located(str(path)):
        golden = GoldenModel(plan.model, plan.input)
        frames = self_check_frames(golden, plan.folded, plan.graph, plan.input, plan.input_order)
        reading = require_agreement(plan.source.proto, golden, frames.x[list(frames.for_file)])
        vectors = make_vectors(golden, plan, frames)
        stages = ["file", "source", "folded", *_check_emulator(plan.graph, vectors)]
    _write(target, plan, vectors, clock_mhz, force=force)
    checked = {"stages": stages, "images": len(vectors.codes)}
    project = Project.load(target)
    remember_graph(project, plan.graph)
    return replace(
        project,
        seconds=time.perf_counter() - started,
        checked=checked,
        ties=reading.ties(),
        warnings=(*input_warnings(plan.model, plan.input), *reading.warnings()),
    )


def _check_emulator(graph: Graph, vectors: Vectors) -> tuple[str, ...]:
    """Run the vectors through the emulator; nothing is done where this machine cannot build it."""
    path = native_path()
    if path is None:
        return ()
    check_vectors(vectors, Emulator(graph, path).scores(vectors.codes), "emulator")
    return ("emulator",)


def _cycles_allowed(target_fps: float | None, clock_mhz: float, cycles: int | None) -> int | None:
    if not 0 < clock_mhz <= _MAX_MHZ:
        raise UserError(
            f"{clock_mhz} MHz is not a clock frequency of an FPGA",
            where="--clock-mhz",
            hint=f"give a positive number, up to {_MAX_MHZ}",
        )
    if target_fps is None:
        if cycles is not None and cycles < 1:
            raise UserError(f"{cycles} cycles per frame is not possible", where="--cycles", hint="give at least 1")
        return cycles
    if cycles is not None:
        raise UserError("two speeds were given", where="--target-fps", hint="give either --cycles or --target-fps")
    if not target_fps > 0:
        raise UserError(f"{target_fps} frames/s is not a speed", where="--target-fps", hint="give a positive number")
    allowed = int(min(clock_mhz * 1e6 / target_fps, sys.maxsize))
    if allowed < 1:
        raise UserError(
            f"{target_fps:g} frames/s is more than one frame per cycle at {clock_mhz:g} MHz",
            where="--target-fps",
            hint="raise --clock-mhz, or ask for fewer frames/s",
        )
    return allowed


def _check_target(target: Path, *, force: bool) -> None:
    if not target.parent.is_dir():
        raise UserError(
            "its parent folder does not exist", where=str(target), hint=f"mkdir -p {shlex.quote(str(target.parent))}"
        )
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UserError("this is a file or a link, not a folder", where=str(target), hint="choose another output")
    if target.exists() and not force:
        raise UserError(
            "the output folder already exists", where=str(target), hint="choose another one, or replace it with --force"
        )
    if target.exists() and any(target.iterdir()) and not all((target / name).is_file() for name in _MARKS):
        raise UserError(
            "the output folder is not a bnnfpga project, so it is not replaced",
            where=str(target),
            hint="choose another output folder",
        )


def _check_inputs_stay(target: Path, *given: Path) -> None:
    """Refuse to replace a folder with what the user gives in it; the files that every project has may be given."""
    place = target.resolve()
    for path in given:
        file = path.resolve()
        if file.is_relative_to(place) and not (file.parent == place / "model" or file == place / "folding.yaml"):
            raise UserError(
                "it lies inside the output folder, which would be replaced",
                where=str(path),
                hint="move it, or choose another output folder",
            )


def _write(target: Path, plan: Plan, vectors: Vectors, clock_mhz: float, *, force: bool) -> None:
    try:
        with whole_folder(target, replace=force) as folder:
            write_project(
                folder,
                plan,
                vectors=vectors.kept,
                clock_mhz=clock_mhz,
                ap_headers=open_headers(),
            )
    except OSError as error:
        raise UserError(
            f"cannot write the project: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error
