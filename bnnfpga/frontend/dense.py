"""Dense layers as MatMul: Gemm, with and without bias, transposed or not."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import attribute, constant, consumers, describe, fresh_name


class GemmToMatMul(Transformation):  # type: ignore[misc]
    """Gemm becomes MatMul, with a Transpose of its weights and an Add of its bias where it has them."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        graph = model.graph
        for index, node in enumerate(graph.node):
            if node.op_type != "Gemm":
                continue
            if attribute(node, "transA", 0) or attribute(node, "alpha", 1.0) != 1.0:
                raise UserError("transA and alpha other than 1 are not supported", where=describe(node))
            new = []
            weights = node.input[1]
            if attribute(node, "transB", 0):
                weights = fresh_name(model, f"{node.name}_weights")
                shape = model.get_tensor_shape(node.input[1])
                model.set_tensor_shape(weights, [shape[1], shape[0]])
                new.append(
                    onnx.helper.make_node(
                        "Transpose", [node.input[1]], [weights], name=f"{node.name}_transpose", perm=[1, 0]
                    )
                )
            has_bias = len(node.input) > 2 and node.input[2] != ""
            product = node.output[0]
            if has_bias:
                if attribute(node, "beta", 1.0) != 1.0:
                    raise UserError("beta other than 1 is not supported", where=describe(node))
                product = fresh_name(model, f"{node.name}_product")
                model.set_tensor_shape(product, model.get_tensor_shape(node.output[0]))
            new.append(onnx.helper.make_node("MatMul", [node.input[0], weights], [product], name=node.name))
            if has_bias:
                new.append(
                    onnx.helper.make_node("Add", [product, node.input[2]], [node.output[0]], name=f"{node.name}_bias")
                )
            graph.node.remove(node)
            for offset, item in enumerate(new):
                graph.node.insert(index + offset, item)
            return model, True
        return model, False


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
