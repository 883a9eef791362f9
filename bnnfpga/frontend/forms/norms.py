"""Batch norms as plain arithmetic."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant
from bnnfpga.numbers.arithmetic import Floats


def is_norm(node: Node) -> bool:
    """Whether a node is a batch norm."""
    return node.op_type == "BatchNormalization"


def norm_arithmetic(model: Model, node: Node) -> list[tuple[str, Floats]]:
    """((x - mean) / sqrt(var + eps)) * scale + bias as a sequence of operators and their second operands.

    Raises
    ------
    UserError
        If it is in training mode, or its variance is not positive and finite.
    """
    if attribute(node, "training_mode", 0):
        raise UserError("it computes batch statistics", where=describe(node), hint="export in eval mode")
    scale, bias, mean, variance = (
        required_constant(model, node, index, meaning).astype(np.float32)
        for index, meaning in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    # Channels are the second axis of the tensor, so the constants get an axis of one for each later axis.
    trailing = len(model.shape(node.output[0])) - 2
    scale, bias, mean, variance = (array.reshape(-1, *[1] * trailing) for array in (scale, bias, mean, variance))
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance + np.float32(attribute(node, "epsilon", 1e-5)))
    if not np.all(np.isfinite(deviation) & (deviation > 0)):
        raise UserError("its variance is not positive", where=describe(node), hint="train or export it again")
    return [("Sub", mean), ("Div", deviation), ("Mul", scale), ("Add", bias)]


def write_arithmetic(model: Model, node: Node) -> list[Node]:
    """Replace a batch norm by its arithmetic and return the new nodes."""
    tensor, nodes = node.input[0], []
    shape = model.shape(node.output[0])
    operations = norm_arithmetic(model, node)
    for number, (kind, constant) in enumerate(operations):
        name = f"{node.name}_{kind.lower()}"
        result = node.output[0] if number == len(operations) - 1 else model.fresh_name(name)
        model.set_shape(result, shape)
        operand = model.add_constant(f"{name}_constant", constant)
        nodes.append(make_node(kind, [tensor, operand], [result], name=name, origin=node.origin))
        tensor = result
    model.replace(node, *nodes)
    return nodes
