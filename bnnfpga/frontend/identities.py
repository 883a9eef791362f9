"""Nodes that hand on what they take."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import constant, replace_input


class DropIdentities(Transformation):  # type: ignore[misc]
    """Identity, what joins or clips nothing, + 0 and * 1 disappear.

    Only exact zeros and ones count: a small bias decides ties.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if not _is_identity(model, node):
                continue
            source, result = node.input[0], node.output[0]
            if constant(model, source) is not None:
                source = node.input[1]
            if result == model.graph.output[0].name:
                # The file's name of the output stays where another node can carry it.
                producer = model.find_producer(source)
                if producer is None:
                    continue
                replace_input(model, source, result)
                producer.output[list(producer.output).index(source)] = result
            else:
                replace_input(model, result, source)
            model.graph.node.remove(node)
            return model, True
        return model, False


def _is_identity(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    kind = node.op_type
    if kind == "Identity" or (kind in ("Clip", "Concat") and sum(map(bool, node.input)) == 1):
        return True
    if kind not in ("Add", "Sub", "Mul", "Div"):
        return False
    # 0 - x and 1 / x are no identities; x must keep its shape.
    sides = (0, 1) if kind in ("Add", "Mul") else (1,)
    values = [constant(model, node.input[side]) for side in sides]
    neutral = 0 if kind in ("Add", "Sub") else 1
    found = next((side for side, value in zip(sides, values, strict=True) if value is not None), None)
    if found is None or not np.all(constant(model, node.input[found]) == neutral):
        return False
    other = node.input[1 - found]
    return bool(model.get_tensor_shape(other) == model.get_tensor_shape(node.output[0]))
