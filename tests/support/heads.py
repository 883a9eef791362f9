"""Nets with several outputs: any tensors of a net, and nets whose outputs finish at different times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto

from tests.support.nets import NetWriter

SHAPE = (2, 6, 6)


def with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The model with these tensors as its outputs."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.output[:]
    result.graph.output.extend(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return result


def data_tensors(model: onnx.ModelProto) -> list[str]:
    """The tensors that depend on the model's input, in the order of their producers."""
    found = [model.graph.input[0].name]
    for node in model.graph.node:
        if not set(node.input).isdisjoint(found):
            found += node.output
    return found[1:]


def heads_net(*outputs: str, seed: int = 0) -> onnx.ModelProto:
    """A net on images of `SHAPE` with these of its outputs, in this order.

    `codes` are the input's codes, `sums` those of the first convolution, `features` their signs. A head of 1 x 1
    kernels computes `cells` from the features, `same` is these under another name; a dense layer computes `votes`, a
    deep head of dense layers `scores`.
    """
    rng = np.random.default_rng(seed)
    net = NetWriter()

    def signs(*shape: int) -> str:
        return net.bipolar(net.constant(rng.choice([-1.0, 1.0], shape)))

    named = {"codes": net.quant("x", 2, scale=0.5, signed=True)}
    named["sums"] = net.node("Conv", named["codes"], signs(4, 2, 3, 3), pads=[1, 1, 1, 1])
    named["features"] = net.bipolar(net.node("Add", named["sums"], net.constant(rng.integers(-2, 3, (4, 1, 1)) / 2)))
    cells = net.node("Conv", named["features"], signs(6, 4, 1, 1))
    named["cells"] = net.node("Mul", cells, net.constant(rng.integers(1, 9, (6, 1, 1)) / 8))
    named["same"] = net.node("Identity", named["cells"])
    vector = net.node("Flatten", named["features"])
    named["votes"] = net.node("MatMul", vector, signs(144, 3))
    for inputs, width in ((144, 12), (12, 12), (12, 12)):
        vector = net.bipolar(net.node("MatMul", vector, signs(inputs, width)))
    scores = net.node("MatMul", vector, signs(12, 5))
    named["scores"] = net.node("Add", scores, net.constant(rng.integers(-8, 9, 5) / 4))
    return with_outputs(net.model(SHAPE, named["scores"]), [named[name] for name in outputs])
