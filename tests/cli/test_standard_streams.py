"""Commands whose standard streams are full or closed: the work is done, and the exit status says what was lost."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nets import DenseNet

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return DenseNet((8, 6, 4)).write(tmp_path_factory.mktemp("model"))


def shell(command: str, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    line = shlex.join([sys.executable, "-m", "bnnfpga", *map(str, arguments)])
    return subprocess.run(
        ["sh", "-c", f"{line} {command}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-", "2>&- <&-"])
def test_stderr_that_takes_nothing(tmp_path: Path, model: Path, stderr: str) -> None:
    done = shell(stderr, tmp_path, "compile", model, "-o", "project", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["project"] == "project"
    done = shell(stderr, tmp_path, "compile", model, "-o", "project", "--json")
    assert done.returncode == 2
    assert "--force" in json.loads(done.stdout)["error"]["hint"]
    assert shell(stderr, tmp_path, "compile", "missing.onnx", "-o", "other").returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


@pytest.mark.parametrize(("stdout", "reason"), [(">/dev/full", "No space left"), (">&-", "Bad file descriptor")])
@pytest.mark.parametrize(
    "arguments", [["inspect"], ["inspect", "--json"], ["--help"], ["--version"], ["doctor", "--json"]]
)
def test_stdout_that_takes_nothing(tmp_path: Path, model: Path, stdout: str, reason: str, arguments: list[str]) -> None:
    given = [*arguments, model] if arguments[0] == "inspect" else arguments
    done = shell(stdout, tmp_path, *given)
    assert done.returncode == 2
    assert f"standard output: the results cannot be written: {reason}" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["inspect", "missing.onnx"], ["compile"], ["simulate", "missing", "--images", "x"]]
)
def test_an_error_that_stdout_does_not_take_is_on_stderr(tmp_path: Path, arguments: list[str]) -> None:
    said = json.loads(shell("", tmp_path, *arguments, "--json").stdout)["error"]
    done = shell(">/dev/full", tmp_path, *arguments, "--json")
    assert done.returncode == 2
    assert said["message"] in done.stderr
    assert said["hint"] in done.stderr
    assert "the results cannot be written" in done.stderr


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-", ">&- 2>&- <&-"])
def test_who_asks_for_nothing_misses_nothing(tmp_path: Path, model: Path, stdout: str) -> None:
    done = shell(stdout, tmp_path, "compile", model, "-o", "project", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    # No file of the project got what was meant for a closed stream.
    again = shell("", tmp_path, "compile", model, "-o", "again", "--quiet")
    assert again.returncode == 0
    for path in (tmp_path / "again").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "project" / path.relative_to(tmp_path / "again")).read_bytes()


def test_nothing_can_be_said_at_all(tmp_path: Path, model: Path) -> None:
    done = shell(">/dev/full 2>/dev/full", tmp_path, "inspect", model)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_reader_that_has_gone_changes_nothing(tmp_path: Path, model: Path) -> None:
    done = shell("| true", tmp_path, "inspect", model, "--json")
    assert done.returncode == 0
    assert "error" not in done.stderr
