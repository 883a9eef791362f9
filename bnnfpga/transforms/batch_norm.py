"""Batch norms as plain arithmetic."""

from __future__ import annotations

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.onnx_form import ONNX_KINDS
from bnnfpga.golden.steps import elementwise_steps


class BatchNormToArithmetic(Transform):
    """Expand a batch norm or a Neg into the float operations it stands for, each a Sub, Div, Mul or Add node."""

    kinds = ("BatchNormalization", "Neg")

    def visit(self, model: Model, node: Node) -> bool:
        shape = model.shape(node.output[0])
        steps = elementwise_steps(model, node)
        tensor = node.input[0]
        new = []
        for number, step in enumerate(steps):
            assert step.constant is not None
            constant = model.add_constant(f"{node.name}_constant", step.constant)
            result = node.output[0]
            if number < len(steps) - 1:
                result = model.fresh_name(f"{node.name}_{step.operation}")
                model.set_shape(result, shape)
            operation = ONNX_KINDS[step.operation]
            new.append(make_node(operation, [tensor, constant], [result], name=f"{node.name}_{step.operation}"))
            tensor = result
        model.replace(node, *new)
        return True
