"""How every command speaks to its caller, shown on a command made for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any

import pytest
import typer

from bnnfpga.base.errors import UserError
from bnnfpga.cli.terminal import Outcome, Terminal, run

Call = Callable[..., int]


def command(work: Callable[[], Outcome]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command()
    def try_it(
        number: Annotated[int, typer.Option()] = 1,
        as_json: Annotated[bool, typer.Option("--json")] = False,
        quiet: Annotated[bool, typer.Option("--quiet")] = False,
        verbose: Annotated[bool, typer.Option("--verbose")] = False,
    ) -> None:
        Terminal(as_json, quiet, verbose).finish(work, "trying [it]")

    return app


def outcome(equal: bool = True) -> Outcome:
    print("a library that prints")
    return Outcome({"number": 3, "list": [None, 0.5]}, lambda: "three", equal)


def raising(error: BaseException) -> typer.Typer:
    def work() -> Outcome:
        raise error

    return command(work)


@pytest.mark.parametrize(("equal", "status"), [(True, 0), (False, 1)])
def test_json_is_all_of_stdout_and_the_status_tells_whether_results_are_equal(
    capsys: pytest.CaptureFixture[str], equal: bool, status: int
) -> None:
    assert run(command(lambda: outcome(equal)), ["--json"]) == status
    out, err = capsys.readouterr()
    assert json.loads(out) == {"number": 3, "list": [None, 0.5]}
    assert "trying [it]" in err
    assert "a library that prints" in err


def test_without_json_stdout_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command(outcome), []) == 0
    out, err = capsys.readouterr()
    assert out == "three\n"
    assert "trying [it]" in err


def test_quiet_prints_nothing_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command(lambda: Outcome({}, lambda: "three")), ["--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_quiet_json_prints_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command(lambda: Outcome({"a": 1}, lambda: "three")), ["--quiet", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": 1}
    assert err == ""


ERROR = UserError("the [bold]sum[/bold] is wrong", where="file.onnx, node 'a'", hint="add again")


def test_user_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(ERROR), ["--json"]) == 2
    out, _ = capsys.readouterr()
    assert json.loads(out) == {
        "error": {
            "message": "the [bold]sum[/bold] is wrong",
            "where": "file.onnx, node 'a'",
            "hint": "add again",
        }
    }


def test_user_error_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(ERROR), ["--quiet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: file.onnx, node 'a': the [bold]sum[/bold] is wrong\nhint: add again\n"


def test_user_error_without_place_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(UserError("no")), ["--quiet"]) == 2
    assert capsys.readouterr().err == "error: no\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--numbr", "1"], "No such option"),
        (["--number", "one"], "Invalid value for '--number'"),
        (["extra"], "unexpected extra argument"),
    ],
)
def test_mistakes_in_arguments_are_user_errors(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(command(outcome), [*arguments, "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: bnnfpga: ")
    assert message in err

    assert run(command(outcome), ["--json", *arguments]) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert message in error["message"]
    assert error["where"] == "bnnfpga"
    assert error["hint"] == "see `bnnfpga --help`"
    assert err == ""


def test_a_bug_is_called_a_bug_and_its_traceback_kept_for_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(ZeroDivisionError("by zero")), []) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert "this is a bug in bnnfpga" in err
    assert "ZeroDivisionError: by zero" in err
    assert "please report it" in err
    assert "Traceback" not in err

    assert run(raising(ZeroDivisionError("by zero")), ["--json", "--verbose"]) == 70
    out, err = capsys.readouterr()
    assert "this is a bug" in json.loads(out)["error"]["message"]
    assert "Traceback" in err


def test_what_json_cannot_say_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    data: dict[str, Any] = {"seconds": float("nan")}
    assert run(command(lambda: Outcome(data, lambda: "")), ["--json"]) == 70
    assert "error" in json.loads(capsys.readouterr().out)


def test_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(KeyboardInterrupt()), ["--json"]) == 130
    assert capsys.readouterr().out == ""


def test_no_arguments_print_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "bnnfpga"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: bnnfpga")
    assert done.stderr == ""
