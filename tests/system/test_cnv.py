"""The VGG-like CNV for CIFAR-10 in full size: a trained one where it is at hand, one with random weights anywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnfpga
from tests.support.builds import check_cycles, images_for
from tests.support.data import FIXTURES, shared

RANDOM = FIXTURES / "cnv" / "cnv_w1a1_random.onnx.gz"
SLOW = pytest.mark.slow
RIGHT = 7_447
"""Of the 10,000 test images as JPEG files, what the trained net tells right."""


@cache
def cifar_test_set() -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    """uint8 (10000, 32, 32, 3) as JPEG files keep them, and their labels."""
    with np.load(shared("data/cifar10_jpg/cifar10jpg_test.npz")) as data:
        return data["x"], data["y"]


def compiled(model: Path, folder: Path, cycles: int) -> bnnfpga.Project:
    project = bnnfpga.compile(model, folder / "project", cycles=cycles, input="uint8", input_scale="1/255")
    assert project.description["predicted_initiation_interval"] <= cycles
    return project


def trained(folder: Path, cycles: int) -> bnnfpga.Project:
    return compiled(shared("models/cnv_w1a1_cifar10.onnx.gz"), folder, cycles)


@SLOW
def test_accuracy_and_the_emulator_on_all_images(tmp_path: Path) -> None:
    images, labels = cifar_test_set()
    result = trained(tmp_path, 33_020).simulate(images, labels, backend="emulator", layout="nhwc")
    assert result.images == 10_000
    assert result.mismatches == 0
    assert result.accuracy == RIGHT / 10_000


@pytest.mark.parametrize(
    ("cycles", "count"),
    [
        (33_020, 50),
        pytest.param(33_020, 500, marks=SLOW),
        pytest.param(9_400, 500, marks=SLOW),
        pytest.param(8_192, 50, marks=SLOW),
        pytest.param(2_047, 50, marks=SLOW),
        # Below the 1,024 pixels of an image: several pixels a cycle.
        pytest.param(512, 20, marks=SLOW),
    ],
)
def test_verilator(cycles: int, count: int, tmp_path: Path) -> None:
    """Exact integers, and cycles exactly as predicted; a frame is there soon where the folding is small."""
    images, labels = cifar_test_set()
    project = trained(tmp_path, cycles)
    result = project.simulate(images[:count], labels[:count], layout="nhwc")
    assert result.images == count
    assert result.mismatches == 0
    assert result.interval_constant
    assert result.initiation_interval == result.predicted_initiation_interval <= cycles
    assert result.latency_cycles == result.predicted_latency_cycles < 100_000
    assert result.accuracy is not None
    assert result.accuracy > 0.6


@SLOW
def test_hls(tmp_path: Path, ap_headers: Path) -> None:
    images, _ = cifar_test_set()
    result = trained(tmp_path, 33_020).simulate(images[:20], backend="hls", layout="nhwc")
    assert result.images == 20
    assert result.mismatches == 0


def test_random_weights(tmp_path: Path) -> None:
    project = compiled(RANDOM, tmp_path, 8_192)
    check_cycles(project, frames=4)
    result = project.simulate(images_for(project, 50), backend="emulator")
    assert result.mismatches == 0
    # It tells images apart, so that being equal means something.
    assert len(np.unique(result.outputs, axis=0)) > 40
