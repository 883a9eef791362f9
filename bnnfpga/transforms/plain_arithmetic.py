"""Batch norm as the arithmetic that it is."""

from __future__ import annotations

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import add_constant, fresh_name
from bnnfpga.golden.steps import elementwise_steps

_OPERATORS = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div"}


class PlainArithmetic(Transformation):  # type: ignore[misc]
    """BatchNormalization and Neg become Sub, Div, Mul and Add with constants, in the golden model's order."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for index, node in enumerate(model.graph.node):
            if node.op_type not in ("BatchNormalization", "Neg"):
                continue
            steps = elementwise_steps(model, node)
            shape = model.get_tensor_shape(node.output[0])
            model.graph.node.remove(node)
            tensor = node.input[0]
            for position, step in enumerate(steps):
                name = f"{node.name}_{step.operation}"
                result = node.output[0] if position == len(steps) - 1 else fresh_name(model, name)
                model.set_tensor_shape(result, shape)
                constant = add_constant(model, f"{name}_constant", step.constant)
                new = onnx.helper.make_node(_OPERATORS[step.operation], [tensor, constant], [result], name=name)
                model.graph.node.insert(index + position, new)
                tensor = result
            return model, True
        return model, False
