"""`bnnfpga simulate`: running a project on images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import (
    AsJson,
    Backend,
    ImageLayout,
    ImagesFile,
    Layout,
    ProjectFolder,
    Quiet,
    Verbose,
    VerilatorPath,
)
from bnnfpga.cli.terminal import Outcome, Terminal
from bnnfpga.codegen.constants import TRACE_MEGABYTES


def simulate(
    project: ProjectFolder,
    images: ImagesFile,
    labels: Annotated[
        str | None, typer.Option(metavar="FILE", help="The true class of each image.", show_default=False)
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What to run.")] = Backend.RTL,
    streams: Annotated[
        bool, typer.Option("--streams", help="Count back-pressure, idle cycles and peak occupancy of all streams.")
    ] = False,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write waveforms: .vcd or .fst.", show_default=False)
    ] = None,
    trace_megabytes: Annotated[
        int, typer.Option(metavar="N", help="End the waveform at this size; the simulation goes on.")
    ] = TRACE_MEGABYTES,
    stall_seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Stall all external streams at random, with this seed.", show_default=False),
    ] = None,
    save_outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the integer scores (.npy; a folder for several outputs).", show_default=False
        ),
    ] = None,
    save_classes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the classes (.npy; a folder for several outputs).", show_default=False
        ),
    ] = None,
    rtl_from: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Simulate the Verilog that Vitis HLS wrote to DIR, not rtl/.", show_default=False
        ),
    ] = None,
    layout: ImageLayout = Layout.NCHW,
    verilator: VerilatorPath = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run a project on images and compare it with the model.

    Every integer of every image is compared with the model's; exit status 1 means that some differ.
    """

    def work() -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.base.output_files import require_writable
        from bnnfpga.cli import saving
        from bnnfpga.datasets.arrays import load_array
        from bnnfpga.report.tables import simulate_table

        if trace is not None:
            require_writable(trace)
        built = Project.load(project)
        output_files = None if save_outputs is None else saving.output_files(save_outputs, built.output_names)
        class_files = None if save_classes is None else saving.output_files(save_classes, built.class_names)
        result = built.simulate(
            load_array(images),
            None if labels is None else load_array(labels),
            backend=backend.value,
            streams=streams,
            trace=trace,
            trace_megabytes=trace_megabytes,
            stall_seed=stall_seed,
            layout=layout.value,
            verilator=verilator,
            rtl_from=rtl_from,
        )
        if output_files is not None:
            saving.save_outputs(output_files, result.outputs)
        if class_files is not None:
            saving.save_outputs(class_files, result.classes)
        data = result.as_dict()
        clock_mhz = built.supported_mhz
        return Outcome(data, lambda: simulate_table(data, clock_mhz), equal=not data["mismatches"])

    Terminal(as_json, quiet, verbose).finish(work, f"simulating {project} ({backend.value})")
