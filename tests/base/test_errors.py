"""Errors that teach: each says what to do, and where the mistake is unless it is in the machine itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bnnfpga
from bnnfpga.base.errors import UserError, shown

PACKAGE = Path(bnnfpga.__file__).parent
ABOUT_THE_MACHINE = {"cache.py", "emulator_library.py", "hls_headers.py", "terminal.py", "toolchain.py"}


def errors() -> Iterator[tuple[Path, int, set[str | None]]]:
    """Every place that makes a `UserError`, and the keywords that it gives."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
                yield path, node.lineno, {keyword.arg for keyword in node.keywords}


def test_every_error_says_what_to_do_and_where() -> None:
    found = list(errors())
    assert len(found) > 100
    silent = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path, line, given in found
        if "hint" not in given or ("where" not in given and path.name not in ABOUT_THE_MACHINE)
    ]
    assert not silent


def test_shown() -> None:
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("n" * 10_000)) == 100
    assert str(UserError("no", where="file", hint="yes")) == "file: no\nhint: yes"
