"""Dense layers as MatMul: Gemm, with and without bias, transposed or not."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import (
    add_constant,
    attribute,
    constant,
    consumers,
    describe,
    fresh_name,
    required_constant,
    required_shape,
)


class GemmToMatMul(Transformation):  # type: ignore[misc]
    """Gemm becomes MatMul, with a Transpose of its weights, a Mul by alpha and an Add of its bias where it has them."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type == "Gemm":
                _rewrite(model, node)
                return model, True
        return model, False


def _rewrite(model: ModelWrapper, node: onnx.NodeProto) -> None:
    if attribute(node, "transA", 0):
        raise UserError("transA is not supported", where=describe(node), hint="export the layer as Linear")
    alpha, beta = attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)
    weights, new = node.input[1], []
    if attribute(node, "transB", 0):
        weights = fresh_name(model, f"{node.name}_weights")
        model.set_tensor_shape(weights, required_shape(model, node, node.input[1])[::-1])
        name = f"{node.name}_transpose"
        new.append(onnx.helper.make_node("Transpose", [node.input[1]], [weights], name=name, perm=[1, 0]))
    # Each of these takes what the one before it makes.
    chain = [("MatMul", node.name, weights)]
    if alpha != 1:
        chain.append(("Mul", f"{node.name}_alpha", add_constant(model, f"{node.name}_alpha", alpha)))
    if len(node.input) > 2 and node.input[2]:
        chain.append(("Add", f"{node.name}_bias", _bias(model, node, beta)))
    tensor = node.input[0]
    for position, (kind, name, operand) in enumerate(chain):
        result = node.output[0]
        if position < len(chain) - 1:
            result = fresh_name(model, f"{node.name}_{'product' if kind == 'MatMul' else 'scaled'}")
            model.set_tensor_shape(result, model.get_tensor_shape(node.output[0]))
        new.append(onnx.helper.make_node(kind, [tensor, operand], [result], name=name))
        tensor = result
    index = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for offset, item in enumerate(new):
        model.graph.node.insert(index + offset, item)


def _bias(model: ModelWrapper, node: onnx.NodeProto, beta: float) -> str:
    if beta == 1:
        return str(node.input[2])
    bias = required_constant(model, node, 2, "bias").astype(np.float32)
    return add_constant(model, f"{node.name}_bias", bias * np.float32(beta))


def check_dense(model: ModelWrapper) -> None:
    """Refuse dense layers of anything but vectors."""
    for node in model.graph.node:
        if node.op_type != "MatMul":
            continue
        taken, weights = (required_shape(model, node, name) for name in node.input)
        if len(weights) != 2:
            raise UserError(
                f"its weights have {len(weights)} axes, a layer's have 2",
                where=describe(node),
                hint="export the layer as Linear",
            )
        if len(taken) != 2:
            raise UserError(
                f"its input has {len(taken)} axes; a layer takes vectors (images, features)",
                where=describe(node),
                hint="flatten in front of the layer, or make it a convolution with kernels of 1",
            )


def check_finite(model: ModelWrapper) -> None:
    """Refuse constants that are no numbers."""
    for tensor in model.graph.initializer:
        value = constant(model, tensor.name)
        if value is not None and value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise UserError(
                "it holds NaN or infinite numbers",
                where=", ".join([f"tensor {tensor.name!r}", *map(describe, consumers(model, tensor.name)[:1])]),
                hint="the training diverged or the export failed: train or export the model again",
            )
