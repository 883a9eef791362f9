"""The output conventions that all commands follow.

Exactly one JSON object on stdout with ``--json``, progress on stderr, and an exit status: 0 for done and equal, 1 for
results that differ, 2 for a mistake of the user's, 130 for an interruption, 70 for a bug in bnnfpga.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from bnnfpga import __version__
from bnnfpga.base.errors import ResultsDiffer, UserError
from bnnfpga.cli.standard_streams import take_over

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

EXIT_EQUAL = 0
EXIT_DIFFERENT = 1
EXIT_USER_ERROR = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
_JSON = "--json"
Advance = Callable[[int, int], None]
"""Reports progress: how much is done, and the total."""
_SYNONYMS = {"build": "compile", "sim": "simulate", "run": "simulate", "test": "verify", "check": "verify"}
"""Names that other tools use for these commands."""
_MEMORY_HINT = "use a smaller model, fewer images, or a machine with more memory"


@dataclass(frozen=True)
class Outcome:
    """A command's result: as data, as a table, and whether the results it compared are equal."""

    data: Mapping[str, Any]
    table: Callable[[], RenderableType]
    equal: bool = True


@dataclass(frozen=True)
class Terminal:
    """A command's output: results to stdout, everything else to stderr."""

    as_json: bool
    quiet: bool
    verbose: bool

    def finish(self, work: Callable[[], Outcome], doing: str | None) -> None:
        """Do the work, announced as `doing`, print its outcome, and exit with the status of that."""
        self._finish(work, self._progress(doing))

    def finish_counting(self, work: Callable[[Advance], Outcome], doing: str) -> None:
        """Like `finish`, for work that reports its progress, which a terminal shows as a bar."""
        bar = self._bar(doing)

        def advance(done: int, total: int) -> None:
            bar.update(bar.task_ids[0], completed=done, total=total)

        self._finish(lambda: work(advance), bar)

    def _finish(self, work: Callable[[], Outcome], progress: AbstractContextManager[Any]) -> None:
        logging.basicConfig(
            level=logging.DEBUG if self.verbose else logging.WARNING,
            format="%(name)s: %(message)s",
            stream=sys.stderr,
        )
        try:
            # A library that prints would spoil the JSON.
            with redirect_stdout(sys.stderr), progress:
                outcome = work()
            self._show(outcome)
        except Exception:
            if self.verbose:
                traceback.print_exc()
            raise
        raise typer.Exit(EXIT_EQUAL if outcome.equal else EXIT_DIFFERENT)

    def _show(self, outcome: Outcome) -> None:
        if self.as_json:
            _print_json(outcome.data)
        elif not self.quiet:
            from rich.console import Console

            table = outcome.table()
            console = Console(highlight=False)
            # Columns too wide for the window are better than wrapped ones.
            console.width = max(console.width, console.measure(table).minimum)
            console.print(table, crop=False)

    def _bar(self, doing: str) -> Progress:
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = _stderr(quiet=self.quiet)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        shown = console.is_terminal and not self.quiet
        if self.verbose or not shown:
            console.print(f"{escape(doing)} ...")
        bar = Progress(*columns, console=console, transient=True, disable=not shown)
        bar.add_task(escape(doing), total=None)
        return bar

    def _progress(self, doing: str | None) -> AbstractContextManager[Any]:
        if doing is None:
            return nullcontext()
        from rich.markup import escape

        console = _stderr(quiet=self.quiet)
        if self.verbose or not console.is_terminal:
            console.print(f"{escape(doing)} ...")
        return console.status(f"{escape(doing)} ...")


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the command line with these arguments and return its exit status."""
    status, error = _run(app, arguments)
    if error is not None:
        _report(error, as_json=_JSON in arguments)
    return status


def run_process(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Like `run`, as a whole process: its exit status is right wherever its standard streams lead."""
    stdout = take_over()
    status, error = _run(app, arguments)
    if error is not None:
        _report(error, as_json=_JSON in arguments)
    if stdout.lost is None:
        return status
    if error is not None and _JSON in arguments:
        _report(error, as_json=False)  # the JSON did not arrive
    problem = UserError(
        f"the results cannot be written: {stdout.lost}",
        where="standard output",
        hint="write them to a disk with free space",
    )
    _report(problem, as_json=False)
    return EXIT_USER_ERROR if error is None else status


def _run(app: typer.Typer, arguments: Sequence[str]) -> tuple[int, ResultsDiffer | UserError | None]:
    """Run a command; returns its exit status and the error that it ended with."""
    command = typer.main.get_command(app)
    try:
        status = command.main(list(arguments), prog_name="bnnfpga", standalone_mode=False)
    except UserError as error:
        return EXIT_USER_ERROR, error
    except ResultsDiffer as error:
        return EXIT_DIFFERENT, error
    except MemoryError as error:
        return EXIT_USER_ERROR, UserError(f"there is not enough memory: {error}", hint=_MEMORY_HINT)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED, None
    except Exception as error:
        if mistake := _mistake_in_arguments(error, sorted(getattr(command, "commands", ()))):
            return EXIT_USER_ERROR, mistake
        return EXIT_BUG, UserError(
            f"this is a bug in bnnfpga {__version__}: {type(error).__name__}: {error}",
            hint="please report it with the model, the command, and what the command prints with --verbose",
        )
    return status if isinstance(status, int) else EXIT_EQUAL, None


def _mistake_in_arguments(error: Exception, commands: Sequence[str]) -> UserError | None:
    """The user's mistake in the arguments that typer reports, or None for any other exception."""
    if getattr(error, "exit_code", None) != EXIT_USER_ERROR or not hasattr(error, "format_message"):
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bnnfpga"
    message = error.format_message().replace("Value error, ", "")
    if unknown := re.match(r"No such command '(.*)'", message):
        meant = f"did you mean `{command} {_SYNONYMS[unknown[1]]}`? " if unknown[1] in _SYNONYMS else ""
        return UserError(message, where=command, hint=f"{meant}The commands are {', '.join(commands)}")
    return UserError(message, where=command, hint=f"see `{command} --help`")


def _report(error: ResultsDiffer | UserError, *, as_json: bool) -> None:
    if as_json:
        _print_json({"error": error.as_dict()})
        return
    from rich.text import Text

    place = f"{error.where}: " if error.where else ""
    console = _stderr()
    console.print(Text.assemble(("error: ", "bold red"), place, error.message))
    if error.hint:
        console.print(Text.assemble(("hint: ", "bold"), error.hint))


def _print_json(data: Mapping[str, Any]) -> None:
    print(json.dumps(data, indent=2, allow_nan=False))


def _stderr(*, quiet: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
