"""Folding files that people write by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.compiler.folding_file import read_folding
from bnnfpga.dataflow.folding import LayerFolding
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
    model = DenseNet((40, 12, 6)).write(tmp_path)
    beside = bnnfpga.compile(model, tmp_path / "beside", folding=path)
    layers = {layer["name"]: layer for layer in beside.description["layers"]}
    assert layers["matrix_vector0"]["pe"] == 2
    assert layers["matrix_vector1"]["pe"] is not None
    assert beside.description["predicted_initiation_interval"] <= 4096


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must map layer names"),
        ("- matrix_vector0", "must map layer names"),
        ("a: {pe: [}", "not readable YAML"),
        ("a: {pe: 1}\na: {pe: 2}", "'a' stands there twice"),
        ("a: {pe: 1, pe: 2}", "'pe' stands there twice"),
        ("1: {pe: 1}\n'1': {pe: 2}", "'1' stands there twice"),
        ("a: &x {pe: 1}\nb: *x", r"anchors and aliases .* are not read \(line 2, column 4\)"),
        ("a: [\n" + "[" * 5000, "nested too deeply|not readable YAML"),
        ("a: {pe: " + "9" * 5000 + "}", "a word is too long"),
        ("a: {pe: " + ":".join(["59"] * 400) + "}", "pe: |not readable YAML|too long"),
        ("a: {pe: 2001-99-99}", "not readable YAML"),
        ("a: !!python/object/apply:os.system [false]", "could not determine a constructor"),
        ("\xff\xfe\x00", "not readable YAML"),
        ("? [a]: 1", "not readable YAML"),
        ("a: {<<: 3}", "not readable YAML"),
        ("a: 3", "must map pe, simd and memory"),
        ("a: {speed: 3}", "unknown setting 'speed'"),
        ('{"Defaults": {}, "MVAU_hls_0": {"PE": 2}}', "this is FINN's format"),
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


def test_a_bomb(tmp_path: Path) -> None:
    """Nine lines that would be a thousand million words."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    path = tmp_path / "f.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match="anchors and aliases"):
        read_folding(path)


@pytest.mark.parametrize("name", [".", "/dev/zero", "/dev/full"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot read the folding: it is a"):
        read_folding(tmp_path / name)


@pytest.mark.parametrize("value", [0, -1, 3, 10**30, 1.0, True, "2", [2], float("nan")])
def test_illegal_values(tmp_path: Path, value: object) -> None:
    model = DenseNet((12, 8, 6)).write(tmp_path)
    with pytest.raises(UserError, match=r"pe: .* is not legal") as caught:
        bnnfpga.compile(model, tmp_path / "p", folding={"matrix_vector0": {"pe": value}})
    assert "legal values are 1, 2, 4, 8" in str(caught.value.hint)
