"""`.ci/second-tools`: it asks for what is missing, and CI goes on where that cannot be had."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "second-tools"
NEEDED = ("bash", "env", "id", "timeout")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with next to nothing."""
    for name in NEEDED:
        program = shutil.which(name)
        assert program is not None
        (tmp_path / name).symlink_to(program)
    put(tmp_path, "sudo", 'shift\nexec "$@"')
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def execute(machine: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(machine), "ASKED": str(machine / "asked")}
    return subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=True)


def test_what_is_missing_is_installed(machine: Path) -> None:
    put(machine, "apt-get", 'echo "$@" >> "$ASKED"')
    put(machine, "clang++", "")
    done = execute(machine)
    assert done.stdout == "Installed verilator for the tests that compare tools.\n"
    update, install = (machine / "asked").read_text().splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install --yes --no-install-recommends verilator")


def test_nothing_is_asked_for_where_both_are_there(machine: Path) -> None:
    put(machine, "apt-get", "exit 1")
    put(machine, "clang++", "")
    put(machine, "verilator", "")
    done = execute(machine)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("apt_get", [None, "exit 100", 'test "$(eval echo \\$$#)" = update'])
def test_ci_goes_on_and_says_what_is_skipped(machine: Path, apt_get: str | None) -> None:
    """Where there is no apt-get, where it may not, and where it does not know the packages."""
    if apt_get is not None:
        put(machine, "apt-get", apt_get)
    done = execute(machine)
    assert done.stdout == ""
    assert "WARNING: apt-get cannot install clang verilator here; the tests that need them are skipped." in done.stderr
