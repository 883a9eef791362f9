"""Tests stand where what they test stands."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
OWN = {"fixtures", "package", "support", "system", "train"}
"""What tests need, and tests of the whole: the package as it is installed, nets from end to end, trainings."""


def folders(path: Path) -> set[str]:
    return {folder.name for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith(("_", "."))}


def test_each_folder_mirrors_one() -> None:
    rooms = folders(ROOT / "bnnfpga") | folders(ROOT) | folders(ROOT / "flows")
    assert folders(TESTS) - OWN <= rooms


def test_no_test_lies_about() -> None:
    assert not list(TESTS.glob("test_*.py"))


def test_pytest_can_tell_them_apart() -> None:
    """Outside of packages it knows a file by its name alone."""
    alone = [path.name for path in TESTS.rglob("test_*.py") if not (path.parent / "__init__.py").exists()]
    assert [name for name, count in Counter(alone).items() if count > 1] == []
