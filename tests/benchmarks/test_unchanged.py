"""What `python -m benchmarks.unchanged` lets pass and what it reports: projects made by hand, and a compiled one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.unchanged.__main__ import compare_all, copy_checkout
from benchmarks.unchanged.jobs import Job
from benchmarks.unchanged.nets import jobs
from benchmarks.unchanged.results import Results, compare, first_difference
from tests.support.data import EXAMPLES, ROOT
from tests.support.nets import DenseNet

LIBRARY = {"rtl/bnn_add.sv": "module bnn_add", "hls/bnn/add.hpp": "struct Add", "flows/csim/testbench.cpp": "main"}
PROJECT = {
    "rtl/bnn_add.sv": "module bnn_add",
    "rtl/accelerator.sv": "module accelerator",
    "hls/bnn/add.hpp": "struct Add",
    "hls/testbench.cpp": "main",
    "hls/top.cpp": "void accelerator",
    "memories/add0.mem": "00\n1f\n",
    "driver/accelerator.py": "def pack",
    "files.f": "rtl/bnn_add.sv\nrtl/accelerator.sv\n",
    "project.json": "{}",
}


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def old(tmp_path: Path) -> Results:
    results = Results(tmp_path / "old", tmp_path / "old_results")
    _write(results.checkout, LIBRARY)
    _write(results.folder / "project", PROJECT)
    (results.folder / "compile.json").write_text(json.dumps({"layers": [1, 2]}, indent=1))
    (results.folder / "vectors.bin").write_bytes(b"\xff\x00\x01")
    return results


@pytest.fixture
def new(old: Results, tmp_path: Path) -> Results:
    results = Results(tmp_path / "new", tmp_path / "new_results")
    shutil.copytree(old.checkout, results.checkout)
    shutil.copytree(old.folder, results.folder)
    return results


def test_the_same_twice(old: Results, new: Results) -> None:
    found = compare(old, new)
    assert found.equal == len(PROJECT) + 2
    assert not found.library
    assert not found.different


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("project/memories/add0.mem", "00\n1e\n", "line 2: 1f is now 1e"),
        ("project/memories/add0.mem", "00\n1f\n20\n", "line 3: (the end) is now 20"),
        ("project/rtl/accelerator.sv", "module Accelerator", "line 1: module accelerator is now module Accelerator"),
        ("project/hls/top.cpp", "void accelerator\n", "the ends of lines"),
        ("project/files.f", "rtl/accelerator.sv\nrtl/other.sv\n", "line 2: (the end) is now rtl/other.sv"),
        ("project/rtl/bnn_new.sv", "module bnn_new", "is new"),  # not from the library
        ("project/rtl/bnn_add.sv", "module changed", "line 1: module bnn_add is now module changed"),
        ("compile.json", json.dumps({"layers": [1, 3]}, indent=1), "line 4: 2 is now 3"),
    ],
)
def test_what_is_rendered_or_counted_must_not_differ(
    old: Results, new: Results, file: str, text: str, said: str
) -> None:
    (new.folder / file).write_text(text)
    assert compare(old, new).different == {file: said}


def test_no_file_may_be_missing(old: Results, new: Results) -> None:
    (new.folder / "project/memories/add0.mem").unlink()
    assert compare(old, new).different == {"project/memories/add0.mem": "is gone"}


def test_bytes_must_not_differ(old: Results, new: Results) -> None:
    (new.folder / "vectors.bin").write_bytes(b"\xff\x02\x01\x00")
    assert compare(old, new).different == {"vectors.bin": "byte 1 of 3, now of 4"}


@pytest.mark.parametrize("source", LIBRARY)
def test_a_text_of_the_library_may_differ(old: Results, new: Results, source: str) -> None:
    file = "project/" + source.replace("flows/csim", "hls")
    for path in (new.checkout / source, new.folder / file):
        path.write_text("// faster\n")
    found = compare(old, new)
    assert found.library == (file,)
    assert not found.different


def test_the_library_may_have_another_module(old: Results, new: Results) -> None:
    _write(new.checkout, {"rtl/bnn_compare.sv": "module bnn_compare"})
    _write(new.folder / "project", {"rtl/bnn_compare.sv": "module bnn_compare"})
    (new.folder / "project/files.f").write_text("rtl/bnn_add.sv\nrtl/bnn_compare.sv\nrtl/accelerator.sv\n")
    found = compare(old, new)
    assert found.library == ("project/rtl/bnn_compare.sv",)
    assert not found.different


def test_the_driver_may_differ(old: Results, new: Results) -> None:
    (new.folder / "project/driver/accelerator.py").write_text("def packed")
    found = compare(old, new)
    assert found.library == ("project/driver/accelerator.py",)
    assert not found.different


def test_long_lines_are_shown_around_the_difference() -> None:
    line = "0" * 1000
    said = first_difference(line.encode(), (line[:500] + "1" + line[501:]).encode())
    assert said.startswith("line 1: ...000")
    assert len(said) < 200


def test_the_list_of_nets(tmp_path: Path) -> None:
    found = list(jobs(tmp_path))
    assert len({job.name for job in found}) == len(found)
    assert all(job.model.is_file() for job in found)
    assert {job.model for job in found} >= set(EXAMPLES.rglob("*.onnx"))


def test_two_checkouts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One more comment: in a module of the library nobody minds it, in what is rendered it is shown."""
    changed = copy_checkout(tmp_path / "changed")
    for file in ("rtl/bnn_add.sv", "templates/rtl/accelerator.sv.j2"):
        with (changed / file).open("a") as text:
            text.write("// changed\n")
    job = Job("small net", DenseNet((6, 4, 2)).write(tmp_path))
    (tmp_path / "work").mkdir()
    assert not compare_all([job], ROOT, changed, tmp_path / "work", tmp_path / "kept")
    said = capsys.readouterr().out
    assert "DIFFERS" in said
    assert "project/rtl/accelerator.sv: " in said
    assert "(the end) is now // changed" in said
    assert "rtl/bnn_add.sv (1 times)" in said
    assert (tmp_path / "kept" / "new" / "0" / "project" / "rtl" / "accelerator.sv").read_text().endswith("// changed\n")
