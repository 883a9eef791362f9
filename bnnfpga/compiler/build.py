"""From a model to a project: the steps of a compilation."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bnnfpga.base.errors import UserError, located
from bnnfpga.base.output_folders import restore_hidden, whole_folder
from bnnfpga.compiler.design import Design, check_options, make_design
from bnnfpga.compiler.first_quantizer import input_warnings
from bnnfpga.compiler.frames import self_check_frames
from bnnfpga.compiler.model_file import open_model
from bnnfpga.compiler.project_folder import write_project
from bnnfpga.compiler.recompiled import remember
from bnnfpga.compiler.speed import cycles_allowed
from bnnfpga.compiler.vectors import Vectors, check_vectors, make_vectors
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import Target
from bnnfpga.golden.file_check import require_agreement
from bnnfpga.host.input_format import InputFormat
from bnnfpga.host.project_data import ProjectData
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.simulate.runners.emulator_library import build_ahead, native_path
from bnnfpga.simulate.runners.hls_headers import open_headers

_MARKS = ("project.json", "functions.json", "rtl/accelerator.sv")
"""Files that identify a folder as a project."""


@dataclass(frozen=True)
class Built:
    """A project as written, with what the compilation found (see `bnnfpga.api.Project`)."""

    data: ProjectData
    seconds: float
    checked: Mapping[str, Any]
    ties: Mapping[str, Any]
    warnings: tuple[str, ...]


def build(
    path: Path,
    target: Path,
    *,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None,
    target_fps: float | None,
    clock_mhz: float,
    family: str,
    cycles: int | None,
    input: str | None,
    input_scale: float | str | Fraction | None,
    output_kind: str,
    force: bool,
) -> Built:
    """See `bnnfpga.compile`."""
    started = time.perf_counter()
    if target.name in ("", ".."):
        target = target.resolve()
    format = InputFormat.parse(input, input_scale)
    allowed = cycles_allowed(target_fps, clock_mhz, cycles)
    check_options(folding, allowed, output_kind)
    fpga = Target(clock_mhz, family)
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
    file = open_model(path, format)
    design = make_design(
        file, folding=folding, cycles=allowed, target_fps=target_fps, output_kind=output_kind, target=fpga
    )
    build_ahead()
    with located(str(path)):
        frames = self_check_frames(file.golden, design.folded, design.graph, file.input, design.input_order)
        reading = require_agreement(file.source.proto, file.golden, frames.x[list(frames.for_file)])
        vectors = make_vectors(design, frames)
        stages = ["file", "source", "folded", *_check_emulator(design.graph, vectors)]
    _write(target, design, vectors, force=force)
    project = ProjectData.read(target)
    remember(project, design)
    return Built(
        project,
        seconds=time.perf_counter() - started,
        checked={"stages": stages, "images": len(vectors.codes)},
        ties=reading.ties(),
        warnings=(
            *design.units.warnings(target_fps),
            *input_warnings(file.model, file.input),
            *reading.warnings(),
        ),
    )


def _check_emulator(graph: Graph, vectors: Vectors) -> tuple[str, ...]:
    """Run the vectors through the emulator, if this machine can build it."""
    path = native_path()
    if path is None:
        return ()
    check_vectors(vectors, Emulator(graph, path).scores(vectors.codes), "emulator")
    return ("emulator",)


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


def _check_inputs_stay(target: Path, *inputs: Path) -> None:
    """Refuse to replace a folder that holds the user's input files, except those that every project contains."""
    place = target.resolve()
    for path in inputs:
        file = path.resolve()
        if file.is_relative_to(place) and not (file.parent == place / "model" or file == place / "folding.yaml"):
            raise UserError(
                "it lies inside the output folder, which would be replaced",
                where=str(path),
                hint="move it, or choose another output folder",
            )


def _write(target: Path, design: Design, vectors: Vectors, *, force: bool) -> None:
    try:
        with whole_folder(target, replace=force) as folder:
            write_project(
                folder,
                design,
                vectors=vectors.kept,
                ap_headers=open_headers(),
            )
    except OSError as error:
        raise UserError(
            f"cannot write the project: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error
