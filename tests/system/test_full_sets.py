"""All 10,000 MNIST test images through Verilator and the emulator, for the examples and the published nets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from tests.support.data import EXAMPLES, mnist_test_set, shared

NETS = {
    "mlp_64": (EXAMPLES / "mnist_mlp" / "mlp_64.onnx", 64, 0.925),
    "mlp_256": (EXAMPLES / "mnist_mlp" / "mlp_256.onnx", 256, 0.970),
    "mlp_64_w1a2": (EXAMPLES / "mnist_mlp" / "mlp_64_w1a2.onnx", 64, 0.96),
    "mlp_64_in8": (EXAMPLES / "mnist_mlp" / "mlp_64_in8.onnx", 64, 0.95),
    "cnn": (EXAMPLES / "mnist_cnn" / "cnn.onnx", 3528, 0.9786),
    "finn_tutorial_tfc": ("models/finn_tutorial_tfc/model.onnx", 64, 0.9296),
    "TFC_1W1A": ("models/TFC_1W1A.onnx", 64, 0.9296),
    "TFC_1W2A": ("models/TFC_1W2A.onnx", 64, 0.9474),
    "TFC_2W2A": ("models/TFC_2W2A.onnx", 196, 0.9660),
    "lfc_w1a1": ("models/lfc_w1a1_mnist.onnx.gz", 128, 0.9834),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "cnn")) for name in NETS])
def test_no_image_differs(name: str, tmp_path: Path) -> None:
    source, cycles, accuracy = NETS[name]
    model = shared(source) if isinstance(source, str) else source
    images, labels = mnist_test_set()
    # That of the tutorial divides its pixels itself.
    scale = "1" if name == "finn_tutorial_tfc" else "1/255"
    project = bnnfpga.compile(model, tmp_path / "project", cycles=cycles, input="uint8", input_scale=scale)
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
