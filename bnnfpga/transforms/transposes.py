"""Transposes of data, which need no hardware: the next layer's weights take them over."""

from __future__ import annotations

import math

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import (
    BROADCASTING,
    ELEMENTWISE,
    LAYOUT_OPS,
    QUANTIZERS,
    add_constant,
    attribute,
    comes_from_constants,
    constant,
    consumers,
    data_operands,
    rearrange,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.golden.steps import elementwise_steps


class TransposeIntoWeights(Transformation):  # type: ignore[misc]
    """A Transpose of data becomes a Reshape; the next layer's weights and constants on the way are reordered."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type != "Transpose" or comes_from_constants(model, node.input[0]):
                continue
            path = _path_to_layer(model, node)
            if path is None:
                continue
            shape = model.get_tensor_shape(node.input[0])
            # Which element of the untransposed frame stands at each place of the transposed one, and back.
            order = rearrange(model, node, np.arange(math.prod(shape)).reshape(shape)).ravel()
            back = np.argsort(order)
            *between, layer = path
            for item in between:
                _reorder_constants(model, item, back)
            weights = constant(model, layer.input[1])
            assert weights is not None
            layer.input[1] = add_constant(model, f"{layer.name}_weights", np.ascontiguousarray(weights[back]))
            target = np.array(model.get_tensor_shape(node.output[0]), dtype=np.int64)
            del node.attribute[:]
            node.op_type = "Reshape"
            node.input.append(add_constant(model, f"{node.name}_shape", target))
            return model, True
        return model, False


def _path_to_layer(model: ModelWrapper, transpose: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """The nodes behind a Transpose up to the MatMul that takes whole frames, if nothing on the way sees an order."""
    if attribute(transpose, "perm", [1])[0] != 0:
        return None
    path: list[onnx.NodeProto] = []
    tensor = transpose.output[0]
    while len(readers := consumers(model, tensor)) == 1:
        node = readers[0]
        path.append(node)
        if node.op_type == "MatMul":
            weights = constant(model, node.input[1])
            whole = weights is not None and weights.ndim == 2 and model.get_tensor_shape(tensor) == [1, len(weights)]
            return path if whole and node.input[0] == tensor else None
        if node.op_type not in LAYOUT_OPS and not _can_be_reordered(model, node):
            return None
        tensor = node.output[0]
    return None


def _can_be_reordered(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    if node.op_type not in ELEMENTWISE or len(data_operands(model, node)) != 1:
        return False
    if node.op_type in QUANTIZERS and quantizer_of(model, node).scale.size != 1:
        return False
    return node.op_type in BROADCASTING or all(step.channels == 1 for step in elementwise_steps(model, node))


def _reorder_constants(model: ModelWrapper, node: onnx.NodeProto, order: NDArray[np.int64]) -> None:
    shape = model.get_tensor_shape(node.output[0])
    for index, name in enumerate(node.input):
        value = constant(model, name)
        if node.op_type in BROADCASTING and value is not None and value.size > 1:
            whole = np.broadcast_to(value, shape).ravel()[order].reshape(shape)
            node.input[index] = add_constant(model, f"{node.name}_constant", np.ascontiguousarray(whole))
