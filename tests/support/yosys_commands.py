"""Yosys commands in a process of their own, whose design starts empty."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping


def run_commands(commands: Iterable[str]) -> None:
    """Run commands; AssertionError with the end of Yosys' log if one fails."""
    script = (
        f"from pyosys import libyosys\nd = libyosys.Design()\nfor c in {[*commands]}:\n    libyosys.run_pass(c, d)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr


def with_changes(sources: Iterable[str], changes: Mapping[str, str] | None) -> list[str]:
    """Sources with texts replaced, each of which stands in one of them: planted faults."""
    changed = [*sources]
    for old, new in (changes or {}).items():
        assert any(old in source for source in changed), old
        changed = [source.replace(old, new) for source in changed]
    return changed
