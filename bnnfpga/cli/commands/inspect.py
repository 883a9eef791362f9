"""`bnnfpga inspect`: the layers of a model."""

from __future__ import annotations

from bnnfpga.cli.options import AsJson, InputScale, InputType, ModelArgument, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def inspect(
    model: ModelArgument,
    input: InputType = None,
    input_scale: InputScale = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show the layers of MODEL.

    Their integer types and ranges, their operations, and what each becomes in hardware.
    """

    def work() -> Outcome:
        from bnnfpga.compiler.inspection import inspect_model
        from bnnfpga.report.tables import inspect_table

        data = inspect_model(model, input, input_scale)
        return Outcome(data, lambda: inspect_table(data))

    Terminal(as_json, quiet, verbose).finish(work, f"reading {model}")
