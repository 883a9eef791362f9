"""Deep and large nets: nothing recurses over a graph, and no question is asked again and again."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.lowering.lower import lower
from bnnfpga.transforms.fold import fold
from tests.support.deep_nets import dense_chain, doublings
from tests.support.resnets import RESNET_18, RESNET_50, ResNet


def _saved(folder: Path, model: onnx.ModelProto) -> Path:
    onnx.save(model, folder / "net.onnx")
    return folder / "net.onnx"


def test_five_hundred_layers(tmp_path: Path) -> None:
    project = bnnfpga.compile(_saved(tmp_path, dense_chain(500, width=16)), tmp_path / "project")
    assert sum(layer["operator"] == "matrix_vector" for layer in project.summary()["layers"]) == 501
    x = np.random.default_rng(1).choice([-1.0, 1.0], (20, 16)).astype(np.float32)
    assert project.simulate(x, backend="emulator").mismatches == 0


def _calls(layers: int, work: str) -> int:
    """Python calls that a step takes for a chain."""
    proto = dense_chain(layers, width=8)
    model = clean(proto) if work == "fold" else None
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        if model is None:
            clean(proto)
        else:
            lower(fold(model).model)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("work", ["clean", "fold"])
def test_the_work_grows_with_the_layers(work: str) -> None:
    _calls(2, work)  # what is done once
    assert _calls(200, work) < 4.2 * _calls(50, work)


@pytest.mark.parametrize("count", [14, 40])
def test_sums_of_a_tensor_with_itself(count: int, tmp_path: Path) -> None:
    """Two ways from each sum to the one above, a million of them through twenty."""
    path = _saved(tmp_path, doublings(count))
    started = time.process_time()
    assert bnnfpga.compile(path, tmp_path / "project").checked is not None
    assert time.process_time() - started < 20


def _units(net: ResNet) -> list[str]:
    return [operator.kind for operator in lower(fold(clean(net.model())).model).operators]


def test_resnet_50_is_lowered() -> None:
    units = _units(RESNET_50)
    assert units.count("matrix_vector") == 53 + 1
    assert units.count("add") == 16


@pytest.mark.slow
def test_resnet_18_at_full_size(tmp_path: Path) -> None:
    project = bnnfpga.compile(_saved(tmp_path, RESNET_18.model()), tmp_path / "project")
    images = np.random.default_rng(0).standard_normal((4, 3, 224, 224), dtype=np.float32)
    assert project.simulate(images, backend="emulator").mismatches == 0


def test_a_small_resnet(tmp_path: Path) -> None:
    net = ResNet(width=4, size=32, classes=10)
    project = bnnfpga.compile(_saved(tmp_path, net.model()), tmp_path / "project")
    images = np.random.default_rng(0).standard_normal((20, 3, 32, 32), dtype=np.float32)
    assert project.simulate(images, backend="emulator").mismatches == 0
