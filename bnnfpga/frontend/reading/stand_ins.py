"""Standard nodes with the same output shapes as operators that onnx does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bnnfpga.frontend.graph.nodes import attribute


@dataclass
class StandIn:
    """Nodes and the constants that they read."""

    nodes: list[onnx.NodeProto]
    constants: list[TensorProto] = field(default_factory=list)


def stand_in(node: onnx.NodeProto) -> StandIn:
    """Standard nodes with the output shape of a QONNX operator; for most, the shape of the first input."""
    make = _STAND_INS.get(node.op_type)
    return StandIn([helper.make_node("Identity", node.input[:1], node.output[:1])]) if make is None else make(node)


def _im2col(node: onnx.NodeProto) -> StandIn:
    """For channels-first images: as many pixels as from a pool, and one channel per element of the window."""
    kernel, stride, pads = (attribute(node, name, []) for name in ("kernel_size", "stride", "pad_amount"))
    dilations = attribute(node, "dilations", None) or [1] * len(kernel)
    spans = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    name = node.output[0]
    pooled, repeats = f"{name}/pooled", f"{name}/repeats"
    pool = helper.make_node(
        "MaxPool", node.input[:1], [pooled], kernel_shape=spans, strides=stride, pads=pads or [0] * 2 * len(kernel)
    )
    taps = numpy_helper.from_array(np.array([1, int(np.prod(kernel)), *[1] * len(kernel)], dtype=np.int64), repeats)
    return StandIn([pool, helper.make_node("Tile", [pooled, repeats], [name])], [taps])


def _popcount(node: onnx.NodeProto) -> StandIn:
    return StandIn([helper.make_node("MatMul", node.input[:2], node.output[:1])])


def _average(node: onnx.NodeProto) -> StandIn:
    kernel, stride = attribute(node, "kernel", 1), attribute(node, "stride", 1)
    pool = helper.make_node(
        "AveragePool", node.input[:1], node.output[:1], kernel_shape=[kernel] * 2, strides=[stride] * 2
    )
    return StandIn([pool])


_STAND_INS: dict[str, Callable[[onnx.NodeProto], StandIn]] = {
    "Im2Col": _im2col,
    "XnorPopcountMatMul": _popcount,
    "QuantAvgPool2d": _average,
}
