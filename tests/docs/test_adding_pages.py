"""The pages for contributors are true: files, names and excerpts are there, and an operator is known where they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.crop import Crop

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / f"adding-{name}.md").read_text() for name in ("an-operator", "a-unit")}
FILE = r"[\w/.-]+\.(?:py|sv|hpp|cpp|md)"
# A file, and what is in it: `a/b.py` (`NAME`, `other`), or `a/b.py`: `NAME`, `other`.
NAMED = re.compile(rf"`({FILE})`(?:\s*(?:\(|:\s*))((?:`\w+`(?:,\s+)?)+)")
EXCERPT = re.compile(rf"^```\w+\n(?:#|//) ({FILE})\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(path: str) -> str:
    return (ROOT / path).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_path_is_there(page: str) -> None:
    text = PAGES[page]
    paths = {path for path in re.findall(r"`([\w.-]+/[\w/.-]*)`", text) if path[-1] == "/" or "." in path}
    links = set(re.findall(r"\]\(([\w.-]+)\)", text))
    assert len(paths) >= 10
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert not missing + [link for link in links if not (ROOT / "docs" / link).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_every_name_is_in_its_file(page: str) -> None:
    found = [(path, name) for path, names in NAMED.findall(PAGES[page]) for name in re.findall(r"\w+", names)]
    assert len(found) >= 5
    missing = [(path, name) for path, name in found if not re.search(rf"\b{name}\b", text_of(path))]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_excerpts_are_true(page: str) -> None:
    """Line by line; three dots stand for lines that are left out."""
    excerpts = EXCERPT.findall(PAGES[page])
    assert len(excerpts) >= 3
    for path, excerpt in excerpts:
        pattern = re.escape(excerpt).replace(re.escape("        ...\n"), r"(?:.*\n)+?")
        assert re.search(f"^{pattern}", text_of(path), re.MULTILINE), f"{path} has no such lines:\n{excerpt}"


def test_an_operator_is_known_where_the_page_says() -> None:
    """The files of the package that know it are those that it touched, but for the one that it left; and the check."""
    listed = re.search(r"Five files of code:\s(.*?);", PAGES["an-operator"], re.DOTALL)
    assert listed is not None
    touched = set(re.findall(rf"`({FILE})`", listed[1]))
    assert len(touched) == 5
    files = ((path.relative_to(ROOT), path.read_text()) for path in (ROOT / "bnnfpga").rglob("*.py"))
    know = {str(path) for path, text in files if re.search("SpaceToDepth|space_to_depth", text)}
    left, check = "bnnfpga/frontend/contract/refused_operators.py", "bnnfpga/golden/check/moved_elements.py"
    assert know == touched - {left} | {check}


def test_a_unit_states_what_the_page_says() -> None:
    """What the page has as a method or property is one; all that must be stated is in it."""
    section = PAGES["a-unit"].partition("### 1.")[2].partition("### 2.")[0]
    names = set(re.findall(r"`([a-z_]+)`", section))
    stated = {name for name in names if hasattr(Operator, name)}
    assert names - stated == {"both", "rtl_only", "hls_only"}
    assert Operator.__abstractmethods__ <= stated
    assert not Crop.__abstractmethods__


def test_commands_name_tests_that_are_there() -> None:
    for text in PAGES.values():
        (command,) = re.findall(r"^pytest (.*)$", text, re.MULTILINE)
        assert all((ROOT / path).exists() for path in command.split())
