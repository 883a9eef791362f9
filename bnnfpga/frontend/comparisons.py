"""Quantizers written with plain operators, as MultiThreshold."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.arithmetic import Floats
from bnnfpga.frontend.multithreshold import output_grid, output_of, set_output
from bnnfpga.frontend.nodes import (
    QONNX_DOMAIN,
    add_constant,
    attribute,
    constant,
    consumers,
    elementwise_operand,
    scalar_operand,
)

_MIRRORED = {
    "Greater": "Less",
    "Less": "Greater",
    "GreaterOrEqual": "LessOrEqual",
    "LessOrEqual": "GreaterOrEqual",
}


class ComparisonsToMultiThreshold(Transformation):  # type: ignore[misc]
    """A comparison with a number, or one a channel, then Where between numbers or a Cast, becomes MultiThreshold."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            comparison = model.find_producer(node.input[0]) if node.op_type in ("Where", "Cast") else None
            if comparison is None or comparison.op_type not in _MIRRORED:
                continue
            bounds = _bounds(model, comparison)
            values = _values(model, node)
            if bounds is None or values is None:
                continue
            kind = comparison.op_type
            if constant(model, comparison.input[0]) is not None:
                kind = _MIRRORED[kind]
            if kind in ("Greater", "LessOrEqual"):
                bounds = np.nextafter(bounds, np.float32(np.inf))
            below, reached = values if kind in ("Greater", "GreaterOrEqual") else values[::-1]
            if below == reached:
                continue
            thresholds = add_constant(model, f"{node.name}_thresholds", bounds)
            new = onnx.helper.make_node(
                "MultiThreshold",
                [elementwise_operand(model, comparison), thresholds],
                list(node.output),
                name=node.name,
                domain=QONNX_DOMAIN,
                out_scale=reached - below,
                out_bias=below,
                out_dtype="FLOAT32",
            )
            model.graph.node.insert(list(model.graph.node).index(node), new)
            model.graph.node.remove(node)
            if not consumers(model, comparison.output[0]):
                model.graph.node.remove(comparison)
            return model, True
        return model, False


def _bounds(model: ModelWrapper, comparison: onnx.NodeProto) -> Floats | None:
    """What is compared with, as thresholds (1 or channels, 1); None where it is something else."""
    bounds = [value for value in (constant(model, name) for name in comparison.input) if value is not None]
    if len(bounds) != 1:
        return None
    shape = model.get_tensor_shape(elementwise_operand(model, comparison))
    by_channel = len(shape) == 2 and bounds[0].shape in ((shape[1],), (1, shape[1]))
    return bounds[0].astype(np.float32).reshape(-1, 1) if bounds[0].size == 1 or by_channel else None


def _values(model: ModelWrapper, node: onnx.NodeProto) -> tuple[float, float] | None:
    """What the node gives for false and for true."""
    if node.op_type == "Cast":
        return (0.0, 1.0) if attribute(node, "to", 0) == onnx.TensorProto.FLOAT else None
    values = [constant(model, name) for name in node.input[1:]]
    if any(value is None or value.size != 1 for value in values):
        return None
    return float(values[1].item()), float(values[0].item())  # type: ignore[union-attr]


class AffineIntoMultiThreshold(Transformation):  # type: ignore[misc]
    """A number added behind a MultiThreshold becomes part of its bias, and the factors in between, if integers stay."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            number = scalar_operand(model, node) if node.op_type in ("Add", "Sub") else None
            if number is None:
                continue
            path = _factors_above(model, elementwise_operand(model, node))
            if path is None:
                continue
            quantizer, muls = path
            scale, bias = output_of(quantizer)
            for mul in muls:
                factor = scalar_operand(model, mul)
                assert factor is not None
                scale, bias = scale * factor, bias * factor
            if node.op_type == "Add":
                bias += number
            elif constant(model, node.input[1]) is not None:
                bias -= number
            else:
                scale, bias = -scale, number - bias
            if output_grid(scale, bias) is None:
                continue
            set_output(quantizer, scale, bias)
            quantizer.output[0] = node.output[0]
            for item in (*muls, node):
                model.graph.node.remove(item)
            return model, True
        return model, False


def _factors_above(model: ModelWrapper, tensor: str) -> tuple[onnx.NodeProto, list[onnx.NodeProto]] | None:
    """The MultiThreshold above a tensor, and the multiplications by a number between, if nothing else reads them."""
    muls: list[onnx.NodeProto] = []
    while len(consumers(model, tensor)) == 1:
        node = model.find_producer(tensor)
        if node is None:
            return None
        if node.op_type == "MultiThreshold":
            return node, muls
        if node.op_type != "Mul" or scalar_operand(model, node) is None:
            return None
        muls.insert(0, node)
        tensor = elementwise_operand(model, node)
    return None
