"""The command line as a whole: its commands, its version, and its process.

The output conventions of commands are in `bnnfpga.cli.terminal`.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from bnnfpga import __version__
from bnnfpga.cli.commands.compile import compile
from bnnfpga.cli.commands.doctor import doctor
from bnnfpga.cli.commands.eval import evaluate
from bnnfpga.cli.commands.inspect import inspect
from bnnfpga.cli.commands.list_parts import parts
from bnnfpga.cli.commands.quantize import quantize
from bnnfpga.cli.commands.simulate import simulate
from bnnfpga.cli.commands.synth import synth
from bnnfpga.cli.commands.transforms import transforms
from bnnfpga.cli.commands.tune import tune
from bnnfpga.cli.commands.verify import verify
from bnnfpga.cli.terminal import run_process

app = typer.Typer(
    name="bnnfpga",
    help="Compile trained binary neural networks to streaming FPGA accelerators.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # With typer's own help option, the import of pydantic, which coerces its value, would take as long as all the rest
    # of `bnnfpga COMMAND --help`.
    add_help_option=False,
)
app.command()(compile)
app.command()(simulate)
app.command("eval")(evaluate)
app.command()(verify)
app.command()(synth)
app.command()(inspect)
app.command()(quantize)
app.command()(tune)
app.command()(parts)
app.command()(transforms)
app.command()(doctor)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"bnnfpga {__version__}")
        raise typer.Exit


def _print_help(context: typer.Context, asked: bool) -> None:
    if asked:
        print(context.get_help())
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    help: Annotated[
        bool, typer.Option("--help", callback=_print_help, is_eager=True, help="Show this message and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit with its status; the entry point of the console script."""
    # Terminate the way Ctrl-C does, so that unfinished work is cleaned up.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(run_process(app, sys.argv[1:] or ["--help"]))
