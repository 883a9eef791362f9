"""Every declared Python version can install the package: all of its dependencies have wheels that go together."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PREFIX = "Programming Language :: Python :: 3."
VERSIONS = [f"3.{line.removeprefix(PREFIX)}" for line in PROJECT["classifiers"] if line.startswith(PREFIX)]


def resolve(version: str, requirements: list[str], target: Path) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--dry-run", "--ignore-installed"]
    options = ["--only-binary", ":all:", "--python-version", version, "--target", str(target)]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    return subprocess.run([*pip, *options, *constraints, *requirements], capture_output=True, text=True, check=False)


def test_versions() -> None:
    assert VERSIONS == ["3.11", "3.12", "3.13"]


def check(version: str, requirements: list[str], tmp_path: Path) -> str:
    """What pip would install."""
    done = resolve(version, requirements, tmp_path)
    if done.returncode != 0 and not os.environ.get("CI") and resolve("3.11", ["typer"], tmp_path).returncode != 0:
        pytest.skip("no package index")
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stdout
    return done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_all_dependencies_have_wheels(version: str, tmp_path: Path) -> None:
    assert "onnxruntime" in check(version, PROJECT["dependencies"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_all_extras_have_wheels_that_go_together(version: str, tmp_path: Path) -> None:
    extras = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
    found = check(version, [*PROJECT["dependencies"], *extras], tmp_path)
    assert "torch" in found
    assert "pyosys" in found
