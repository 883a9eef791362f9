"""Nodes that hand on what they take."""

from __future__ import annotations

import numpy as np
import onnx

from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model, Node
from bnnfpga.frontend.nodes import attribute, describe
from bnnfpga.frontend.rewriting import Rewrite


class DropIdentities(Rewrite):
    """Identity, Dropout, a Cast of floats, what joins or clips nothing, + 0 and * 1 disappear.

    Only exact zeros and ones count: a small bias decides ties.
    """

    def visit(self, model: Model, node: Node) -> bool:
        if not _is_identity(model, node):
            return False
        source, result = node.input[0], node.output[0]
        if model.constant(source) is not None:
            source = node.input[1]
        if result == model.output:
            # The file's name of the output stays where another node can carry it.
            producer = model.producer(source)
            if producer is None:
                return False
            model.remove(node)
            model.replace_input(source, result)
            model.set_output(producer, result, producer.output.index(source))
        else:
            model.replace_input(result, source)
            model.remove(node)
        return True


def _is_identity(model: Model, node: Node) -> bool:
    kind = node.op_type
    if kind == "Dropout":
        training = model.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        if training is not None and bool(training.item()):
            raise UserError("it drops elements at random", where=describe(node), hint="export the model in eval mode")
        if len(node.output) > 1 and model.consumers(node.output[1]):
            raise UserError("its mask is used", where=describe(node), hint="export the model in eval mode")
        return True
    if kind == "Cast":
        return bool(attribute(node, "to", 0) == onnx.TensorProto.FLOAT and _is_float(model, node.input[0]))
    if kind == "Identity" or (kind in ("Clip", "Concat") and sum(map(bool, node.input)) == 1):
        return True
    if kind not in ("Add", "Sub", "Mul", "Div"):
        return False
    # 0 - x and 1 / x are no identities; x must keep its shape.
    sides = (0, 1) if kind in ("Add", "Mul") else (1,)
    values = [model.constant(node.input[side]) for side in sides]
    neutral = 0 if kind in ("Add", "Sub") else 1
    found = next((side for side, value in zip(sides, values, strict=True) if value is not None), None)
    if found is None or not np.all(model.constant(node.input[found]) == neutral):
        return False
    other = node.input[1 - found]
    return bool(model.shape(other) == model.shape(node.output[0]))


def _is_float(model: Model, tensor: str) -> bool:
    return model.element_type(tensor) == onnx.TensorProto.FLOAT
