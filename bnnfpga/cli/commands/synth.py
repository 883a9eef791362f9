"""`bnnfpga synth`: area, clock and bitstream of a project."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, ProjectFolder, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


class FlowName(StrEnum):
    """The synthesis flows."""

    VITIS = "vitis"
    VIVADO = "vivado"
    VIVADO_OOC = "vivado-ooc"


def synth(
    project: ProjectFolder,
    flow: Annotated[
        FlowName,
        typer.Option(
            help="Estimates of the HLS C++, a bitstream for a board, or the RTL placed and routed out of context."
        ),
    ],
    part: Annotated[str | None, typer.Option(metavar="P", help="The FPGA.", show_default=False)] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar="B", help="The board: pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.", show_default="pynq-z2"
        ),
    ] = None,
    clock_mhz: Annotated[
        float | None, typer.Option(metavar="M", help="The target clock in MHz.", show_default="the project's")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Synthesise a project: area, clock, bitstream.

    The tool must be installed; if it is not, the error says how to run the project's scripts elsewhere.
    """

    def work() -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.report.tables import synth_table
        from bnnfpga.synthesis.vendor import synthesize

        result = synthesize(Project.load(project), flow.value, part=part, board=board, clock_mhz=clock_mhz)
        data = result.as_dict()
        return Outcome(data, lambda: synth_table(data))

    Terminal(as_json, quiet, verbose).finish(work, f"synthesising {project} ({flow.value})")
