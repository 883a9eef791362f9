"""Every command and every piece of Python in the README and in what continues it runs, and prints what is shown."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONTINUED = [(ROOT / "docs" / name).read_text() for name in ("inputs.md", "outputs.md", "verify.md")]
BLOCK = re.compile(r"^```(bash|console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A command is a line, or what a here document has in it.
PROMPT = re.compile(r"^\$ ([^\n]*<<'EOF'\n.*?^EOF\n|[^\n]*\n)", re.MULTILINE | re.DOTALL)
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "build", ".*_cache", ".hypothesis", "__pycache__")


@dataclass(frozen=True)
class Block:
    language: str
    text: str

    def commands(self) -> str:
        if self.language == "bash":
            return self.text
        return "".join(PROMPT.findall(self.text))

    def shown(self) -> list[str]:
        """The lines of output that the README shows; a line of three dots stands for any others."""
        lines = [] if self.language != "console" else PROMPT.sub("", self.text).splitlines()
        return [masked(line) for line in lines if line.strip() not in ("", "...")]


BLOCKS = [Block(*match.groups()) for text in (README, *CONTINUED) for match in BLOCK.finditer(text)]


def masked(line: str) -> str:
    """A line without what differs from machine to machine and day to day."""
    line = re.sub(r"[\d.]+ s$", "N s", line.rstrip())
    return re.sub(r"[\d,]+ cycles/s", "N cycles/s", line)


def runnable(commands: str) -> str:
    """The commands in the environment of this test: what sets up another is taken as done."""
    commands = commands.replace("source .venv/bin/activate", f"source '{sys.prefix}/bin/activate'")
    commands = re.sub(r"^make demo$", f"make -o env demo VENV='{sys.prefix}'", commands, flags=re.MULTILINE)
    return re.sub(r"^make (test|lint)", r"make --dry-run \1", commands, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("readme") / "bnnfpga", ignore=NOT_COPIED))


def execute(command: list[str], folder: Path) -> str:
    path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if "pip could not fetch" in done.stdout and not os.environ.get("CI"):
        pytest.skip("no package index")
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}"
    return done.stdout


# One test, since each command builds on those before it.
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment")
def test_readme(checkout: Path) -> None:
    assert len(BLOCKS) >= 8
    for block in BLOCKS:
        if block.language == "python":
            if "brevitas" in block.text and importlib.util.find_spec("brevitas") is None:
                continue
            execute([sys.executable, "-c", block.text], checkout)
            continue
        printed = execute(["bash", "-c", "set -euo pipefail\n" + runnable(block.commands())], checkout)
        lines = iter([masked(line) for line in printed.splitlines()])
        for expected in block.shown():
            assert expected in lines, f"not printed: {expected}\n{printed}"


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
