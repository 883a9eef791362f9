"""`bnnfpga tune`: the best folding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, InputScale, InputType, ModelArgument, Picture, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def tune(
    model: ModelArgument,
    part: Annotated[str | None, typer.Option(metavar="P", help="The FPGA, like xc7z020.", show_default=False)] = None,
    target_fps: Annotated[
        float | None, typer.Option(metavar="N", help="Frames per second to reach.", show_default=False)
    ] = None,
    cycles: Annotated[
        int | None, typer.Option(metavar="N", help="At most this many cycles per frame.", show_default=False)
    ] = None,
    target_latency_us: Annotated[
        float | None, typer.Option(metavar="T", help="At most this latency, in microseconds.", show_default=False)
    ] = None,
    clock_mhz: Annotated[float, typer.Option(metavar="M", help="The clock frequency in MHz.")] = 100.0,
    family: Annotated[
        str | None, typer.Option(metavar="F", help="The FPGA family.", show_default="the part's, or xc7")
    ] = None,
    folding: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Layers whose folding is fixed, as YAML.", show_default=False)
    ] = None,
    utilization: Annotated[
        float | None,
        typer.Option(
            metavar="U", help="The share of the part that may be used, shell and DMA included.", show_default="0.8"
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="W",
            help="What to minimise, like lut=1,ff=0.25,bram18=100,dsp=60 (that is what is used without a part).",
            show_default="with a part, its largest share",
        ),
    ] = None,
    latency_weight: Annotated[
        float | None,
        typer.Option(
            metavar="L", help="LUTs that a cycle of delay counts.", show_default="1/32 beside area without a part"
        ),
    ] = None,
    pareto: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the front of speed and area, .html, .png or .json.", show_default=False
        ),
    ] = None,
    picture: Picture = None,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write the folding file.", show_default=False)
    ] = None,
    finn_json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the folding in FINN's format.", show_default=False)
    ] = None,
    fifo_from_simulation: Annotated[
        bool, typer.Option("--fifo-from-simulation", help="Take FIFO depths from simulation (Verilator).")
    ] = False,
    input: InputType = None,
    input_scale: InputScale = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the best folding of MODEL.

    With a part and no speed: the most frames per second that fit. With a part and a speed: the smallest share of the
    part. Without a part: the smallest area, lut + ff/4 + 60*dsp + 100*bram18.
    """

    def work() -> Outcome:
        from bnnfpga.base.output_files import require_distinct, require_writable, write_output
        from bnnfpga.compiler.tuner import require_front_name
        from bnnfpga.compiler.tuner import tune as tune_model
        from bnnfpga.compiler.unit_picture import require_picture
        from bnnfpga.report.tables import tune_table

        files = {"-o": output, "--pareto": pareto, "--picture": picture, "--finn-json": finn_json}
        for path in files.values():
            if path is not None:
                require_writable(path)
        require_distinct(files)
        if pareto is not None:
            require_front_name(pareto)
        if picture is not None:
            require_picture(picture)
        tuned = tune_model(
            model,
            part=part,
            target_fps=target_fps,
            cycles=cycles,
            target_latency_us=target_latency_us,
            clock_mhz=clock_mhz,
            family=family,
            folding=folding,
            utilization=utilization,
            weights=weights,
            latency_weight=latency_weight,
            pareto=pareto is not None,
            for_finn=finn_json is not None,
            fifo_from_simulation=fifo_from_simulation,
            input=input,
            input_scale=input_scale,
        )
        if output is not None:
            tuned.write_folding(output)
        if pareto is not None:
            tuned.write_front(pareto)
        if picture is not None:
            tuned.write_picture(picture)
        if finn_json is not None:
            write_output(finn_json, json.dumps(tuned.finn, indent=2).encode())
        summary = tuned.summary()
        return Outcome(summary, lambda: tune_table(summary))

    Terminal(as_json, quiet, verbose).finish(work, f"tuning {model}")
