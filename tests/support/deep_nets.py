"""Deep QONNX nets, as an exporter would write them."""

from __future__ import annotations

import numpy as np
import onnx

from tests.support.nets import NetWriter


def dense_chain(layers: int, width: int = 64) -> onnx.ModelProto:
    """(dense, batch norm, sign), repeated, and ten scores."""
    rng = np.random.default_rng(0)
    net = NetWriter()
    x = net.bipolar("x")
    for _ in range(layers):
        x = net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((width, width)))))
        scale, bias, mean = rng.normal(size=(3, width))
        parameters = (scale, bias, mean, rng.uniform(0.5, 2, width))
        x = net.bipolar(net.node("BatchNormalization", x, *map(net.constant, parameters)))
    net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((width, 10)))))
    return net.model((width,), "y")


def doublings(count: int) -> onnx.ModelProto:
    """X + x, repeated."""
    net = NetWriter()
    x = net.bipolar("x")
    for _ in range(count):
        x = net.node("Add", x, x)
    net.node("MatMul", net.bipolar(x), net.bipolar(net.constant([[1.0], [-1.0], [1.0], [1.0]])))
    return net.model((4,), "y")
