"""Compiling runs the emulator where it is there, and says so; what it gives wrong is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.compiler import recompiled
from bnnfpga.dataflow.hardware import EmulatorKernel
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.simulate.runners.emulator_library import VARIABLE
from tests.support.builds import images_for
from tests.support.nets import DenseNet

NET = DenseNet((40, 20, 10), seed=3)


@pytest.fixture(autouse=True)
def fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_compiling_compares_the_emulator(tmp_path: Path) -> None:
    project = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project")
    checked = project.summary()["checked"]
    assert checked == {"stages": ["file", "source", "folded", "emulator"], "images": 32}
    assert bnnfpga.Project.load(tmp_path / "project").summary()["checked"] is None


def compile_alone(model: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, with a cache of its own: nothing is built yet."""
    folder = model.parent
    environment = {**os.environ, "BNNFPGA_CACHE": str(folder / "cache"), **variables}
    command = [sys.executable, "-m", "bnnfpga", "compile", str(model), "-o", str(folder / "project"), "--json"]
    return subprocess.run([*command, "--quiet"], env=environment, capture_output=True, text=True, check=False)


def test_the_first_compilation_builds_the_emulator(tmp_path: Path) -> None:
    result = compile_alone(NET.write(tmp_path))
    assert json.loads(result.stdout)["checked"]["stages"] == ["file", "source", "folded", "emulator"]
    assert len(list((tmp_path / "cache").glob("emulator-*/library.so"))) == 1


@pytest.mark.parametrize("cannot", [{"CXX": "false"}, {VARIABLE: "numpy"}, {"BNNFPGA_CACHE": "/dev/null/cache"}])
def test_a_machine_that_cannot_build_it_compiles_without(cannot: dict[str, str], tmp_path: Path) -> None:
    result = compile_alone(NET.write(tmp_path), **cannot)
    assert json.loads(result.stdout)["checked"]["stages"] == ["file", "source", "folded"]


def test_a_model_that_is_refused_builds_nothing(tmp_path: Path) -> None:
    """Nothing goes on behind the message."""
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    result = compile_alone(tmp_path / "bad.onnx")
    assert result.returncode == 2
    assert "bad.onnx" in json.loads(result.stdout)["error"]["message"] + json.loads(result.stdout)["error"]["where"]
    assert not result.stderr
    assert not (tmp_path / "cache").exists()


def test_a_wrong_wish_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "avx1024")
    with pytest.raises(UserError, match="no emulator path of that name"):
        bnnfpga.compile(NET.write(tmp_path), tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_a_project_that_is_compiled_again(tmp_path: Path) -> None:
    """Who holds the project sees what lies in its folder."""
    first = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project")
    second = bnnfpga.compile(DenseNet((40, 20, 10), seed=4).write(tmp_path), tmp_path / "project", force=True)
    x = images_for(second, 200)
    before = second.simulate(x, backend="emulator")
    after = first.simulate(x, backend="emulator")
    assert before.mismatches == after.mismatches == 0
    np.testing.assert_array_equal(before.outputs, after.outputs)


def test_the_graph_follows_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project", cycles=64)
    known = recompiled.Recompiled(compiled).graph
    recompiled._remembered.clear()
    made = recompiled.Recompiled(bnnfpga.Project.load(tmp_path / "project")).graph
    assert made is not known
    assert [unit.folding for unit in made.operators] == [unit.folding for unit in known.operators]
    assert [stream.port for stream in made.streams] == [stream.port for stream in known.streams]
    for ours, theirs in zip(made.operators, known.operators, strict=True):
        assert ours.rtl().module == theirs.rtl().module
        for memory, other in zip(ours.memories(), theirs.memories(), strict=True):
            np.testing.assert_array_equal(memory.bits, other.bits)


def test_one_wrong_weight_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project")
    x = images_for(project, 300)
    assert project.simulate(x, backend="emulator").mismatches == 0
    right = MatrixVector.emulator

    def wrong(unit: MatrixVector) -> EmulatorKernel:
        kernel = right(unit)
        weights = np.array(kernel.values["weights"])
        weights[0, 0] *= -1
        return replace(kernel, values={**kernel.values, "weights": weights})

    monkeypatch.setattr(MatrixVector, "emulator", wrong)
    assert project.simulate(x, backend="emulator").mismatches > 0
    with pytest.raises(bnnfpga.ResultsDiffer, match="the emulator gives"):
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("output", ["scores", "class"])
def test_the_backend_is_the_other_backends_equal(output: str, tmp_path: Path) -> None:
    net = DenseNet((30, 20, 10), last_norm=True, activation_bits=2, weight_bits=4, seed=4)
    project = bnnfpga.compile(net.write(tmp_path), tmp_path / "project", input="uint8", output_kind=output)
    x = images_for(project, 100)
    emulated, simulated = project.simulate(x, backend="emulator"), project.simulate(x)
    assert emulated.mismatches == 0
    assert emulated.backend == "emulator"
    assert emulated.cycles is None
    np.testing.assert_array_equal(emulated.outputs, simulated.outputs)
    np.testing.assert_array_equal(emulated.classes, simulated.classes)
