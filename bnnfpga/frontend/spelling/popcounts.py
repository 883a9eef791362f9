"""FINN's XnorPopcountMatMul as a dense layer."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import required_constant
from bnnfpga.frontend.graph.transform import Transform


class PopcountToMatMul(Transform):
    """XnorPopcountMatMul becomes MatMul and Add: bits x and w agree x * (2w - 1) + (1 - w) times.

    QONNX defines it as (K + (2x - 1) @ (2w - 1)) / 2 of K inputs, which is the same for all numbers.
    """

    kinds = ("XnorPopcountMatMul",)

    def visit(self, model: Model, node: Node) -> bool:
        weights = required_constant(model, node, 1, "weights").astype(np.float32)
        signs = model.add_constant(f"{node.name}_signs", 2 * weights - 1)
        zeros = model.add_constant(f"{node.name}_zeros", (1 - weights.astype(np.float64)).sum(axis=-2))
        product = model.fresh_name(f"{node.name}_product")
        if model.has_shape(node.output[0]):
            model.set_shape(product, model.shape(node.output[0]))
        matmul = make_node("MatMul", [node.input[0], signs], [product], name=node.name)
        add = make_node("Add", [product, zeros], list(node.output), name=f"{node.name}_add")
        model.replace(node, matmul, add)
        return True
