"""`bnnfpga synth --flow yosys`, with the real Yosys on small projects."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import bnnfpga
from bnnfpga.base.assets import asset
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.codegen.out_of_context import UnitSources
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.native.cache import cache_use
from bnnfpga.synthesis import unit_area
from bnnfpga.synthesis.cells import LIBRARIES
from bnnfpga.synthesis.recipes import RECIPES
from bnnfpga.synthesis.yosys import measure_units
from tests.support.nets import DenseNet

pytest.importorskip("pyosys")
SUMS = ("lut", "logic_cells", "ff", "carry", "muxf", "bram18", "dsp")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    bnnfpga.compile(DenseNet((6, 4), seed=4).write(folder), folder / "project", cycles=20)
    return folder / "project"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))


def synth(capsys: pytest.CaptureFixture[str], project: Path, *options: str) -> tuple[int, dict[str, Any]]:
    status = run(app, ["synth", str(project), "--flow", "yosys", "--json", *options])
    return status, json.loads(capsys.readouterr().out)


def test_units_and_their_sum(
    compiled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, told = synth(capsys, compiled)
    assert status == 0, told
    assert (told["flow"], told["family"], told["tool"]) == ("yosys", "xc7", f"Yosys {unit_area.yosys_version()}")
    layers = json.loads((compiled / "project.json").read_text())["layers"]
    assert [unit["name"] for unit in told["units"]] == [layer["name"] for layer in layers]
    for kind in SUMS:
        assert told[kind] == sum(unit[kind] for unit in told["units"])
    assert told["lut"] > 50
    assert told["logic_ns"] == max(unit["logic_ns"] for unit in told["units"])
    assert told["depth"] == max(unit["depth"] for unit in told["units"])
    unit, _, path = told["critical_path"].partition(": ")
    assert path == next(row["critical_path"] for row in told["units"] if row["name"] == unit)
    assert told["clock_mhz"] == 100
    assert told["fmax_mhz"] is told["timing_met"] is told["bitstream"] is None

    # Another folder, and no Yosys run: the same from the cache.
    monkeypatch.setattr(unit_area, "_synthesise", None)
    elsewhere = shutil.copytree(compiled, compiled.parent / "elsewhere")
    _, again = synth(capsys, elsewhere)
    assert {**again, "seconds": 0} == {**told, "seconds": 0}
    assert run(app, ["synth", str(compiled), "--flow", "yosys"]) == 0
    table = capsys.readouterr().out
    assert f"{told['lut']:,}" in table
    assert told["units"][0]["name"] in table
    assert "clock requested" in table
    assert "timing met" not in table


def test_a_family_without_lut_memories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What asks for one, as the queue of a threshold does, is made of registers."""
    bnnfpga.compile(DenseNet((6, 4), seed=4).write(tmp_path), tmp_path / "project", input="int4", cycles=6)
    status, told = synth(capsys, tmp_path / "project", "--family", "ice40")
    assert status == 0, told
    assert any(unit["operator"] == "threshold" and unit["ff"] > 0 for unit in told["units"])


def test_other_weights_are_another_unit(compiled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The contents count, not the names: of two projects with other weights, units without any are shared."""
    assert synth(capsys, compiled, "--family", "gowin")[0] == 0
    before = cache_use().folders
    other = compiled.parent / "other"
    bnnfpga.compile(DenseNet((6, 4), seed=5).write(compiled.parent), other, cycles=20, force=True)
    status, told = synth(capsys, other, "--family", "gowin")
    assert status == 0
    assert told["family"] == "gowin"
    with_memories = [unit for unit in told["units"] if unit["operator"] == "matrix_vector"]
    assert cache_use().folders == before + len(with_memories)


@pytest.mark.parametrize("half", ["o6_o", "o5_o"])
def test_luts_with_two_outputs_take_time(half: str) -> None:
    """Yosys itself has no delays for them: each output is as late as that of a LUT alone."""
    chain = f"""
module unit (input wire clk_i, input wire [4:0] a_i, output reg y_o);
  reg [4:0] held;
  wire [3:0] between;
  assign between[0] = held[0];
  for (genvar i = 0; i < 3; i = i + 1) begin : gen_lut
    bnn_lut6 #(.Table(64'h6996966996696996)) lut (.inputs_i({{1'b1, between[i], held[4:1]}}), .{half}(between[i+1]));
  end
  always @(posedge clk_i) begin
    held <= a_i;
    y_o <= between[3];
  end
endmodule
"""
    modules = {"unit.sv": chain, "bnn_lut6.sv": (asset("rtl") / "bnn_lut6.sv").read_text()}
    (area,) = measure_units([UnitSources("unit", "chain", modules, {})], "xc7", jobs=1)
    assert area.counts.lut == area.depth == 3
    assert area.logic_ns is not None
    assert area.logic_ns > 3 * 0.12


def test_an_input_that_an_output_ignores_is_no_path() -> None:
    """Of a LUT that reads its own lower half where that half does not depend on it: Yosys' `sta` would never end."""
    unit = """
module unit (input wire clk_i, input wire [3:0] a_i, output reg y_o);
  reg [3:0] held;
  wire lower, upper;
  bnn_lut6 #(.Table(64'h5555aaaa_00ff00ff)) lut (.inputs_i({1'b1, lower, held}), .o5_o(lower), .o6_o(upper));
  always @(posedge clk_i) begin
    held <= a_i;
    y_o <= upper;
  end
endmodule
"""
    modules = {"unit.sv": unit, "bnn_lut6.sv": (asset("rtl") / "bnn_lut6.sv").read_text()}
    (area,) = measure_units([UnitSources("unit", "loop", modules, {})], "xc7", jobs=1)
    assert area.logic_ns is not None
    assert area.logic_ns > 2 * 0.12


def test_a_reset_is_no_path_through_its_register() -> None:
    """Of a register that takes part in its own synchronous reset: Yosys' `sta` would never end."""
    text = """
module unit (input clk, input a, input b, output reg [1:0] q);
  always @(posedge clk)
    if (a & ~q[0] & q[1]) q <= 2'b00;
    else if (b) q <= {q[0] ^ a, ~q[1] | b};
endmodule
"""
    area = measure_units([UnitSources("unit", "fork", {"unit.sv": text}, {})], "ecp5")[0]
    assert area.logic_ns is not None
    assert 0 < area.logic_ns < 2
    assert area.counts.ff == 2


def test_a_file_without_an_end(
    compiled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_area, "_MOST_BYTES", 5000)
    status, told = synth(capsys, compiled)
    assert status == 2
    assert "Yosys wrote more than 5000 bytes" in told["error"]["message"]


def test_a_family_without_a_recipe_does_not_exist() -> None:
    assert set(LIBRARIES) == set(RECIPES) == set(FAMILIES)


def test_mistakes(compiled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = synth(capsys, compiled, "--family", "virtex")
    assert (status, told["error"]["where"]) == (2, "--family")
    status, told = synth(capsys, compiled, "--board", "pynq-z2")
    assert (status, told["error"]["where"]) == (2, "--board")
    status = run(app, ["synth", str(compiled), "--flow", "vitis", "--family", "xc7", "--json"])
    assert (status, json.loads(capsys.readouterr().out)["error"]["where"]) == (2, "--family")


def test_without_yosys(compiled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    status, told = synth(capsys, compiled)
    assert status == 2
    assert 'pip install "bnnfpga[open]"' in told["error"]["hint"]


@pytest.mark.parametrize(
    ("worker", "words"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import sys\nprint('ERROR: it is tired.')\nsys.exit(1)", "it is tired."),
    ],
    ids=["killed", "failed"],
)
def test_a_unit_that_fails_is_named(
    compiled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    worker: str,
    words: str,
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(worker)
    monkeypatch.setattr(unit_area, "_WORKER", script)
    status, told = synth(capsys, compiled)
    assert status == 2
    layers = json.loads((compiled / "project.json").read_text())["layers"]
    assert told["error"]["where"] in [layer["name"] for layer in layers]
    assert words in told["error"]["message"]
    assert cache_use().folders == 0


def test_a_module_that_yosys_cannot_read(compiled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = shutil.copytree(compiled, compiled.parent / "broken", dirs_exist_ok=True)
    module = broken / "rtl" / "bnn_score_output.sv"
    module.write_text(module.read_text().replace("module bnn_score_output", "module nothing"))
    status, told = synth(capsys, broken, "--jobs", "1", "--family", "gowin")
    assert status == 2
    assert told["error"]["where"] == "score_output"
    assert "bnn_score_output" in told["error"]["message"]
