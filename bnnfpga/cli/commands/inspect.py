"""`bnnfpga inspect`: the layers of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from bnnfpga.cli.options import FAMILY_NAMES, AsJson, InputScale, InputType, ModelArgument, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal
from bnnfpga.dataflow.target import DEFAULT_TARGET


def inspect(
    model: ModelArgument,
    clock_mhz: Annotated[
        float, typer.Option(metavar="M", help="The clock frequency in MHz that foldings are built for.")
    ] = DEFAULT_TARGET.clock_mhz,
    family: Annotated[str, typer.Option(metavar="F", help=f"The FPGA family: {FAMILY_NAMES}.")] = DEFAULT_TARGET.family,
    input: InputType = None,
    input_scale: InputScale = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show the layers of MODEL.

    Their integer types and ranges, their operations, what each becomes in hardware, and the foldings that it can have:
    all of them with --json, else what they range over.
    """

    def work() -> Outcome:
        from bnnfpga.compiler.inspection import inspect_model
        from bnnfpga.report.tables import inspect_table

        data = inspect_model(model, input, input_scale, clock_mhz, family)
        return Outcome(data, lambda: inspect_table(data))

    Terminal(as_json, quiet, verbose).finish(work, f"reading {model}")
