"""`bnnfpga transforms`: the transforms that fold a model, all of them or one alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, InputScale, InputType, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def transforms(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The transform to run.", show_default=False)
    ] = None,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="A QONNX file to run it on.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write the transformed model.", show_default=False)
    ] = None,
    input: InputType = None,
    input_scale: InputScale = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List the transforms that fold a model into integers.

    With NAME and MODEL, run one of them alone and show the graph before and after.
    """

    def work() -> Outcome:
        from bnnfpga.base.errors import UserError
        from bnnfpga.report.tables import transform_table, transforms_table
        from bnnfpga.transforms.run_alone import list_transforms, run_transform

        if name is None:
            listed = list_transforms()
            return Outcome(listed, lambda: transforms_table(listed))
        if model is None:
            raise UserError("the model is missing", where="transforms", hint=f"bnnfpga transforms {name} MODEL")
        data = run_transform(name, model, output, input, input_scale)
        return Outcome(data, lambda: transform_table(data))

    Terminal(as_json, quiet, verbose).finish(work, None if model is None else f"transforming {model}")
