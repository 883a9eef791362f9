"""`bnnfpga compile`: compiling a model to a project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import FAMILY_NAMES, AsJson, InputScale, InputType, ModelArgument, Picture, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal
from bnnfpga.dataflow.target import DEFAULT_TARGET


class OutputKind(StrEnum):
    """What an accelerator outputs."""

    SCORES = "scores"
    CLASS = "class"


def compile(
    model: ModelArgument,
    output: Annotated[Path, typer.Option("-o", metavar="DIR", help="The folder to write the project to.")],
    folding: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PE and SIMD of layers, as YAML.", show_default=False),
    ] = None,
    target_fps: Annotated[
        float | None, typer.Option(metavar="N", help="Frames per second to reach.", show_default=False)
    ] = None,
    clock_mhz: Annotated[
        float, typer.Option(metavar="M", help="The clock frequency in MHz.")
    ] = DEFAULT_TARGET.clock_mhz,
    family: Annotated[str, typer.Option(metavar="F", help=f"The FPGA family: {FAMILY_NAMES}.")] = DEFAULT_TARGET.family,
    cycles: Annotated[
        int | None, typer.Option(metavar="N", help="At most this many cycles per frame.", show_default=False)
    ] = None,
    input: InputType = None,
    input_scale: InputScale = None,
    output_kind: Annotated[
        OutputKind, typer.Option("--output", help="Integer scores, or the class, decided in hardware.")
    ] = OutputKind.SCORES,
    picture: Picture = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing project.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write an accelerator for MODEL as a project of its own.

    Without --folding, --target-fps or --cycles, the cheapest folding with at most 4,096 cycles per frame (dense nets)
    or 65,536 (convolutional nets) is chosen. Layers that the folding file does not name are folded in the same way.
    """

    def work() -> Outcome:
        from bnnfpga.api import compile as compile_model
        from bnnfpga.compiler.recompiled import Recompiled
        from bnnfpga.compiler.unit_picture import require_picture, write_picture
        from bnnfpga.report.tables import compile_table

        if picture is not None:
            require_picture(picture)
        project = compile_model(
            model,
            output,
            folding=folding,
            target_fps=target_fps,
            clock_mhz=clock_mhz,
            family=family,
            cycles=cycles,
            input=input,
            input_scale=input_scale,
            output_kind=output_kind.value,
            force=force,
        )
        summary = project.summary()
        if picture is not None:
            write_picture(picture, Recompiled(project).graph, summary["layers"], str(model))
        return Outcome(summary, lambda: compile_table(summary))

    Terminal(as_json, quiet, verbose).finish(work, f"compiling {model}")
