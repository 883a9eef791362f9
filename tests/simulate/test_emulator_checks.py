"""Compiling runs the emulator where it is there, and says so; what it gives wrong is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.dataflow.operator import EmulatorKernel
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.simulate.emulator_library import VARIABLE, built_path, choose_path, load_library
from tests.support.builds import images_for
from tests.support.nets import DenseNet

NET = DenseNet((40, 20, 10), seed=3)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    load_library.cache_clear()
    load_library(choose_path())


def test_compiling_compares_the_emulator(built: None, tmp_path: Path) -> None:
    project = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project")
    assert project.summary()["checked"] == {"stages": ["source", "folded", "emulator"], "images": 16}
    assert bnnfpga.Project.load(tmp_path / "project").summary()["checked"] is None


def test_compiling_builds_no_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    assert built_path() is None
    project = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project")
    assert project.summary()["checked"]["stages"] == ["source", "folded"]
    assert not (tmp_path / "cache").exists()


def test_one_wrong_weight_is_found(built: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    with pytest.raises(RuntimeError, match="the emulator gives"):
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
