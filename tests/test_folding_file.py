"""Folding files that people write by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.dataflow.folding import LayerFolding
from bnnfpga.errors import UserError
from bnnfpga.folding_file import read_folding
from tests.support.nets import DenseNet


def test_reads_what_compile_writes(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6)).write(tmp_path)
    project = bnnfpga.compile(model, tmp_path / "a", cycles=16)
    again = bnnfpga.compile(model, tmp_path / "b", folding=project.folder / "folding.yaml")
    assert again.description["layers"] == project.description["layers"]


def test_a_short_file(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("matrix_vector0: {pe: 2}\n")
    folding, where = read_folding(path)
    assert folding == {"matrix_vector0": LayerFolding(pe=2)}
    assert where == str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must map layer names"),
        ("- matrix_vector0", "must map layer names"),
        ("a: {pe: [}", "no YAML"),
        ("a: {pe: 1}\na: {pe: 2}", "'a' stands there twice"),
        ("a: {pe: 1, pe: 2}", "'pe' stands there twice"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_folding(path)
    assert str(caught.value.where).startswith(str(path))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the folding"):
        read_folding(tmp_path / "nothing.yaml")
