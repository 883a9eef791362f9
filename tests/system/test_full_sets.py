"""All 10,000 MNIST test images through Verilator and the emulator, for the examples and the published nets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from tests.support.data import mnist_test_set, shared
from tests.support.digit_nets import NETS, compiled


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "cnn")) for name in NETS])
def test_no_image_differs(name: str, tmp_path: Path) -> None:
    images, labels = mnist_test_set()
    project, accuracy = compiled(name, tmp_path)
    result = project.simulate(images, labels)
    assert result.images == 10_000
    assert result.mismatches == 0
    assert result.accuracy is not None
    if name.startswith("mlp"):
        assert result.accuracy >= accuracy
    else:
        assert result.accuracy == pytest.approx(accuracy, abs=1e-9)
    assert result.interval_constant
    assert result.initiation_interval == result.predicted_initiation_interval
    assert result.latency_cycles == result.predicted_latency_cycles
    emulated = project.simulate(images, labels, backend="emulator")
    assert emulated.images == 10_000
    assert emulated.mismatches == 0
    np.testing.assert_array_equal(emulated.outputs, result.outputs)


@pytest.mark.parametrize(
    ("images", "accuracy"), [("test_500", 0.716), pytest.param("test", 0.7447, marks=pytest.mark.slow)]
)
def test_the_emulator_on_a_convolutional_net(images: str, accuracy: float, tmp_path: Path) -> None:
    data = np.load(shared(f"data/cifar10_jpg/cifar10jpg_{images}.npz"))
    model = shared("models/cnv_w1a1_cifar10.onnx.gz")
    project = bnnfpga.compile(model, tmp_path / "project", input="uint8", input_scale="1/255")
    result = project.simulate(data["x"], data["y"], backend="emulator", layout="nhwc")
    assert result.images == len(data["x"])
    assert result.mismatches == 0
    assert result.accuracy == pytest.approx(accuracy, abs=1e-9)
