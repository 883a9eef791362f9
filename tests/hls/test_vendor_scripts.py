"""What Vitis would be told: the Tcl runs in a real tclsh with the vendor's commands recorded, the settings are read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import bnnfpga
from tests.support.nets import DenseNet
from tests.support.tcl import record

COMMANDS = (
    "open_project",
    "set_top",
    "add_files",
    "open_solution",
    "set_part",
    "create_clock",
    "csim_design",
    "csynth_design",
    "cosim_design",
    "export_design",
)


@pytest.fixture(scope="module")
def hls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    model = DenseNet((12, 8, 6), weight_scale=0.1, bias=True, seed=4).write(folder)
    bnnfpga.compile(model, folder / "a project", cycles=20, clock_mhz=160)
    return folder / "a project" / "hls"


def run_tcl(hls: Path, work: Path, *arguments: str) -> list[list[str]]:
    """The vendor commands in their order, each with its arguments."""
    recording = record(hls / "vitis_hls.tcl", work, COMMANDS, arguments)
    assert recording.status == 0, recording.errors
    return recording.calls


def test_the_tcl_builds_this_accelerator(hls: Path, tmp_path: Path) -> None:
    calls = run_tcl(hls, tmp_path, "-f", "vitis_hls.tcl")
    names = [call[0] for call in calls]
    assert names[:2] == ["open_project", "set_top"]
    assert names[-4:] == ["csim_design", "csynth_design", "export_design", "exit"]
    assert ["set_top", "accelerator"] in calls
    assert ["set_part", "xc7z020clg400-1"] in calls
    assert ["create_clock", "-period", "6.25"] in calls
    assert re.search(r"^void accelerator\(", (hls / "top.cpp").read_text(), re.MULTILINE)
    added = [next(part for part in call[1:] if not part.startswith("-")) for call in calls if call[0] == "add_files"]
    assert sorted(added) == ["../vectors/expected.bin", "../vectors/input.bin", "testbench.cpp", "top.cpp"]
    assert all((hls / name).is_file() for name in added)
    assert all(("-tb" in call) == ("top.cpp" not in call) for call in calls if call[0] == "add_files")


def test_all_ask_for_the_same_language(hls: Path, tmp_path: Path) -> None:
    added = [call for call in run_tcl(hls, tmp_path) if call[0] == "add_files" and call[-1].startswith("-std")]
    assert [call[-2:] for call in added] == [["-cflags", "-std=c++17"]] * 2
    settings = (hls / "hls_config.cfg").read_text().splitlines()
    assert {"syn.cflags=-std=c++17", "tb.cflags=-std=c++17"} <= set(settings)
    assert "-std=c++17 " in (hls.parent / "Makefile").read_text()


def test_the_tcl_cosimulates_on_request(hls: Path, tmp_path: Path) -> None:
    names = [call[0] for call in run_tcl(hls, tmp_path, "cosim")]
    assert names.index("csynth_design") < names.index("cosim_design") < names.index("export_design")


def test_part_and_clock_are_overridden(hls: Path, tmp_path: Path) -> None:
    calls = run_tcl(hls, tmp_path, "part=xck26-sfvc784-2LV-c", "clock_mhz=300")
    assert ["set_part", "xck26-sfvc784-2LV-c"] in calls
    assert ["create_clock", "-period", "3.333"] in calls
    assert "cosim_design" not in [call[0] for call in calls]


def test_the_settings_of_the_unified_tools(hls: Path) -> None:
    settings: dict[str, list[str]] = {}
    section = ""
    for line in (hls / "hls_config.cfg").read_text().splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            settings.setdefault(section + key, []).append(value)
    assert settings["part"] == ["xc7z020clg400-1"]
    assert settings["[hls]clock"] == ["6.25ns"]
    assert settings["[hls]flow_target"] == ["vivado"]
    assert settings["[hls]syn.top"] == ["accelerator"]
    files = settings["[hls]syn.file"] + settings["[hls]tb.file"]
    assert sorted(files) == ["../vectors/expected.bin", "../vectors/input.bin", "testbench.cpp", "top.cpp"]
    assert all((hls / name).is_file() for name in files)


def test_vectors_beside_the_program_are_found(hls: Path, tmp_path: Path, ap_headers: Path, compiler: str) -> None:
    """As a simulator runs it: in a folder of its own, with the files of the test bench copied into it."""
    command = [compiler, "-std=c++17", "-isystem", str(ap_headers), str(hls / "top.cpp"), str(hls / "testbench.cpp")]
    subprocess.run([*command, "-o", str(tmp_path / "csim")], check=True)
    for name in ("input.bin", "expected.bin"):
        shutil.copy(hls.parent / "vectors" / name, tmp_path)
    done = subprocess.run([tmp_path / "csim"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "16 frames, output equals the expectation" in done.stdout
