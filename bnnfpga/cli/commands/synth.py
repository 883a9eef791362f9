"""`bnnfpga synth`: area, clock and bitstream of a project."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from bnnfpga.cli.options import FAMILY_NAMES, AsJson, ProjectFolder, Quiet, Verbose
from bnnfpga.cli.terminal import Advance, Outcome, Terminal


class FlowName(StrEnum):
    """The synthesis flows."""

    YOSYS = "yosys"
    VITIS = "vitis"
    VIVADO = "vivado"
    VIVADO_OOC = "vivado-ooc"


def synth(
    project: ProjectFolder,
    flow: Annotated[
        FlowName,
        typer.Option(
            help="Area and delay unit by unit with Yosys; estimates of the HLS C++; a bitstream for a board; or the "
            "RTL placed and routed out of context."
        ),
    ],
    family: Annotated[
        str | None,
        typer.Option(metavar="F", help=f"yosys: {FAMILY_NAMES}.", show_default="the project's"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="yosys: processes at a time.", show_default="one per processor"),
    ] = None,
    part: Annotated[str | None, typer.Option(metavar="P", help="vitis, vivado: the FPGA.", show_default=False)] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar="B",
            help="vivado: the board, pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.",
            show_default="pynq-z2",
        ),
    ] = None,
    clock_mhz: Annotated[
        float | None,
        typer.Option(metavar="M", help="vitis, vivado: the target clock in MHz.", show_default="the project's"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Synthesise a project: area, clock, bitstream.

    The tool must be installed; if it is not, the error says how to get it, or how to run the project's scripts
    elsewhere.
    """
    by_yosys = flow is FlowName.YOSYS
    terminal = Terminal(as_json, quiet, verbose)
    doing = f"synthesising {project} ({flow.value})"

    def work(advance: Advance | None = None) -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.compiler.recompiled import Recompiled
        from bnnfpga.report.tables import synth_table
        from bnnfpga.synthesis.vendor import synthesize
        from bnnfpga.synthesis.yosys import synthesize_area

        _refuse(
            flow,
            {"--part": part, "--board": board, "--clock-mhz": clock_mhz}
            if by_yosys
            else {"--family": family, "--jobs": jobs},
        )
        loaded = Project.load(project)
        if by_yosys:
            graph = Recompiled(loaded).graph
            result = synthesize_area(loaded, graph, family=family, jobs=jobs, progress=advance)
        else:
            result = synthesize(loaded, flow.value, part=part, board=board, clock_mhz=clock_mhz)
        data = result.as_dict()
        return Outcome(data, lambda: synth_table(data))

    if by_yosys:
        terminal.finish_counting(work, doing)
    else:
        terminal.finish(work, doing)


def _refuse(flow: FlowName, options: Mapping[str, object]) -> None:
    """Refuse options of other flows."""
    from bnnfpga.base.errors import UserError

    for name, value in options.items():
        if value is not None:
            raise UserError(
                f"--flow {flow.value} has no {name}", where=name, hint="leave it out, or choose another flow"
            )
