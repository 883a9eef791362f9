"""Abs and Relu of quantised numbers in front of what sums them: file = golden = folded = emulator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.independent import run_file
from tests.support.nets import DOMAIN, NetWriter

SHAPE = (2, 4, 4)


def _quant(net: NetWriter, x: str, **options: object) -> str:
    return net.quant(x, 4, **{"scale": 0.5, "signed": True, **options})


QUANTIZERS: dict[str, Callable[[NetWriter, str], str]] = {
    "signed": _quant,
    "a scale for each channel": lambda net, x: _quant(net, x, scale=np.array([0.5, 1]).reshape(1, 2, 1, 1)),
    "a zero point": lambda net, x: _quant(net, x, zero=3.0),
    "signs": lambda net, x: net.bipolar(x, 0.5),
    "thresholds": lambda net, x: net.node(
        "MultiThreshold",
        x,
        net.constant([[-2, -1, 0, 1], [-1, 0, 1, 3]]),
        domain=DOMAIN,
        out_dtype="FLOAT32",
        out_scale=0.5,
        out_bias=-1.0,
    ),
}
READERS: dict[str, Callable[[NetWriter, str], str]] = {
    "a layer for each channel": lambda net, x: net.node("Conv", x, _weights(net, 2, 1, 2, 2), group=2),
    "an average": lambda net, x: net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]),
    "a sum": lambda net, x: net.node("Sub", x, net.node("GlobalMaxPool", x)),
    "a product": lambda net, x: net.node("Mul", x, net.node("GlobalMaxPool", x)),
    "a mean behind a pool": lambda net, x: net.node("GlobalAveragePool", net.node("MaxPool", x, kernel_shape=[1, 1])),
}


def _weights(net: NetWriter, *shape: int) -> str:
    return net.bipolar(net.constant(np.random.default_rng(0).choice([-1, 1], shape)), 0.5)


@pytest.mark.parametrize("kind", ["Abs", "Relu"])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_magnitudes(quantizer: str, reader: str, kind: str, tmp_path: Path) -> None:
    net = NetWriter()
    x = net.node("Conv", net.quant("x", 4, scale=0.25, signed=True), _weights(net, 2, 2, 1, 1))
    made = READERS[reader](net, net.node(kind, QUANTIZERS[quantizer](net, x)))
    net.bipolar(net.node("Sub", made, net.constant(0.40625)))
    model = net.model(SHAPE, "y")
    onnx.save(model, tmp_path / "net.onnx")
    refusal = None
    try:
        project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    except UserError as error:
        refusal = error
    if refusal is not None:
        assert reader == "a sum", refusal
        assert quantizer == "a scale for each channel", refusal
        return
    images = (np.random.default_rng(1).integers(-8, 9, (16, *SHAPE)) / 4).astype(np.float32)
    result = project.simulate(images, backend="emulator")
    assert result.mismatches == 0
    assert not isinstance(result.values, tuple)
    np.testing.assert_array_equal(result.values.reshape(16, -1), run_file(model, images))


def test_magnitudes_of_floats(tmp_path: Path) -> None:
    """XNOR-Net's mean magnitude of channels with a bias each: what is not quantised has no exact sum."""
    net = NetWriter()
    x = net.node("Conv", net.quant("x", 4, scale=0.25, signed=True), _weights(net, 2, 2, 1, 1))
    x = net.node("Add", x, net.constant(np.array([0.1, 0.3]).reshape(2, 1, 1)))
    mean = net.node("ReduceMean", net.node("Abs", x), axes=[1], keepdims=1)
    sums = net.node("Conv", net.bipolar(x), _weights(net, 3, 2, 1, 1))
    net.bipolar(net.node("Mul", sums, net.node("AveragePool", mean, kernel_shape=[3, 3], pads=[1, 1, 1, 1])))
    onnx.save(net.model(SHAPE, "y"), tmp_path / "net.onnx")
    with pytest.raises(UserError, match=r"\(ReduceMean\): it averages numbers that are not quantised"):
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
