"""Batch norms as plain arithmetic."""

from __future__ import annotations

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import fresh_name
from bnnfpga.golden.steps import elementwise_steps

_NODES = {"subtract": "Sub", "divide": "Div", "multiply": "Mul", "add": "Add"}


class BatchNormToArithmetic(Transformation):  # type: ignore[misc]
    """A batch norm or a Neg becomes Sub, Div, Mul, Add: the float operations that it stands for, one node each."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in ("BatchNormalization", "Neg"):
                continue
            shape = model.get_tensor_shape(node.output[0])
            steps = elementwise_steps(model, node)
            place = list(model.graph.node).index(node)
            tensor = node.input[0]
            for number, step in enumerate(steps):
                constant = fresh_name(model, f"{node.name}_constant")
                model.set_initializer(constant, step.constant)
                result = node.output[0]
                if number < len(steps) - 1:
                    result = fresh_name(model, f"{node.name}_{step.operation}")
                    model.set_tensor_shape(result, shape)
                operation = _NODES[step.operation]
                new = onnx.helper.make_node(
                    operation, [tensor, constant], [result], name=f"{node.name}_{step.operation}"
                )
                model.graph.node.insert(place + number, new)
                tensor = result
            model.graph.node.remove(node)
            return model, True
        return model, False
