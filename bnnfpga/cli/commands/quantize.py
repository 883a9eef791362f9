"""`bnnfpga quantize`: a compilable model from one that is partly float."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, ImageLayout, InputScale, InputType, Layout, ModelArgument, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def quantize(
    model: ModelArgument,
    calibration: Annotated[
        str,
        typer.Option(metavar="FILE", help="Images like those to come: .npy, .npz, FILE.npz:NAME or IDX (.gz)."),
    ],
    output: Annotated[Path, typer.Option("-o", metavar="FILE", help="The QONNX file to write.")],
    bits: Annotated[int, typer.Option(metavar="N", help="Bits of the quantizers, 2 to 8.")] = 8,
    labels: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The true class of each image, for the accuracy.", show_default=False),
    ] = None,
    input: InputType = None,
    input_scale: InputScale = None,
    layout: ImageLayout = Layout.NCHW,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Insert quantizers where MODEL is float and must be integer, until it compiles.

    What is quantised already stays as it is. Scales come from the calibration images. The result is an ordinary QONNX
    file; the report says what was inserted where, and what it does to the layers and to the classes.
    """

    def work() -> Outcome:
        from bnnfpga.datasets.arrays import load_array
        from bnnfpga.quantizing.post_training import quantize as quantize_model
        from bnnfpga.report.quantised_table import quantised_table

        result = quantize_model(
            model,
            output,
            load_array(calibration),
            None if labels is None else load_array(labels),
            bits=bits,
            layout=layout.value,
            input=input,
            input_scale=input_scale,
            force=force,
        )
        data = result.summary()
        return Outcome(data, lambda: quantised_table(data))

    Terminal(as_json, quiet, verbose).finish(work, f"quantising {model}")
