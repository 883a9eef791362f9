"""`bnnfpga verify`: where two stages of a project differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, ImageLayout, ImagesFile, Layout, ProjectFolder, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def verify(
    project: ProjectFolder,
    images: ImagesFile,
    stages: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="The stages to compare; by default all that run here.", show_default=False
        ),
    ] = None,
    streams: Annotated[
        bool, typer.Option("--streams", help="Compare internal streams even where the outputs are equal.")
    ] = False,
    dump: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER", help="Write what a unit gives or a stream carries; may be repeated.", show_default=False
        ),
    ] = None,
    dump_to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder for --dump: LAYER.STAGE.npy.", show_default=False)
    ] = None,
    wave: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the waveform (.vcd, .fst) around a difference.", show_default=False),
    ] = None,
    wave_cycles: Annotated[int, typer.Option(metavar="N", help="Cycles shown before and after it.")] = 64,
    layout: ImageLayout = Layout.NCHW,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the first place where two stages differ.

    Compares neighbouring stages, from the model to the hardware: what the model means with the project's files as they
    are. A difference is traced to unit, image, channel and cycle. Exit status 1 means that two stages differ.
    """

    def work() -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.datasets.arrays import load_array
        from bnnfpga.report.tables import verify_table

        chosen = None if stages is None else [name.strip() for name in stages.split(",")]
        result = Project.load(project).verify(
            load_array(images),
            stages=chosen,
            layout=layout.value,
            streams=streams,
            dump=dump or (),
            dump_to=dump_to,
            wave=wave,
            wave_cycles=wave_cycles,
        )
        data = result.as_dict()
        return Outcome(data, lambda: verify_table(data), equal=result.equal)

    Terminal(as_json, quiet, verbose).finish(work, f"verifying {project}")
