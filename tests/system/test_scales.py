"""BipolarQuants whose scales are zero or below, for all channels or for some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.builds import images_for
from tests.support.nets import NetWriter

SCALES = {
    "below zero": -0.3,
    "of both signs": [0.5, -0.5, 0.25, -0.125],
    "below zero, different": [-0.5, -0.25, -1.0, -0.125],
    "zero for one": [0.5, 0.0, 0.25, 0.125],
    "zero and below": [0.0, -0.3, 0.3, -0.0],
}


def _check(net: NetWriter, shape: tuple[int, ...], folder: Path) -> None:
    proto = net.model(shape, net.nodes[-1].output[0])
    path = folder / "net.onnx"
    onnx.save(proto, path)
    project = bnnfpga.compile(path, folder / "project")
    x = images_for(project, 100)
    reading = check_file(proto, GoldenModel(clean(proto)), x)
    assert reading.difference is None
    assert reading.unchecked == ()
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 1


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("place", ["weights", "activations", "both"])
def test_dense_layers(name: str, place: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scale = np.asarray(SCALES[name])
    of_weights = scale if place != "activations" else 1.0
    of_codes = scale if place != "weights" else 1.0
    net = NetWriter()
    weights = net.bipolar(net.constant(rng.normal(0, 1, (6, 4))), of_weights)
    x = net.node("Add", net.node("MatMul", net.bipolar("x"), weights), net.constant([0.1, -0.1, 0.05, -0.05]))
    x = net.bipolar(x, of_codes)
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (4, 3)))))
    _check(net, (6,), tmp_path)


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("depthwise", [False, True])
def test_convolutions(name: str, depthwise: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    scale = np.asarray(SCALES[name])
    per_channel = scale.reshape(-1, 1, 1, 1) if scale.size > 1 else scale
    net = NetWriter(rank=4)
    weights = net.bipolar(net.constant(rng.normal(0, 1, (4, 2, 3, 3))), per_channel)
    x = net.node("Conv", net.bipolar("x"), weights, kernel_shape=[3, 3])
    x = net.bipolar(
        net.node("Add", x, net.constant(0.07)), per_channel.reshape(1, -1, 1, 1) if scale.size > 1 else scale
    )
    shape, groups = ((4, 1, 2, 2), 4) if depthwise else ((3, 4, 2, 2), 1)
    weights = net.bipolar(net.constant(rng.normal(0, 1, shape)), 0.5)
    net.node("Conv", x, weights, kernel_shape=[2, 2], group=groups, pads=[1, 1, 0, 0])
    _check(net, (2, 6, 5), tmp_path)


def test_a_sum_of_streams_of_both_signs(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    net = NetWriter()
    codes = net.bipolar("x")
    parts = []
    for scale in (-0.5, 0.25):
        weights = net.bipolar(net.constant(rng.normal(0, 1, (6, 4))))
        parts.append(net.bipolar(net.node("Add", net.node("MatMul", codes, weights), net.constant(0.5)), scale))
    x = net.bipolar(net.node("Sub", net.node("Add", *parts), net.constant(0.1)))
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (4, 3)))))
    _check(net, (6,), tmp_path)
