"""The TopK that FINN's InsertTopK appends to the scores: always in the form of opset 10, whatever the file's opset."""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from bnnfpga.frontend.graph.nodes import attribute

_WITH_INPUT = 10
"""The opset from which `k` is an input of TopK."""


def fit_top_k(model: onnx.ModelProto, opset: int) -> None:
    """Convert a TopK with an input `k` to the form of an older opset, in place, where that form can express it."""
    if opset >= _WITH_INPUT:
        return
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "TopK" or node.domain or len(node.input) != 2 or node.input[1] not in constants:
            continue
        k = numpy_helper.to_array(constants[node.input[1]])
        if k.size != 1 or not attribute(node, "largest", 1):
            continue
        axis = attribute(node, "axis", -1)
        del node.input[1], node.attribute[:]
        node.attribute.extend([helper.make_attribute("k", int(k.item())), helper.make_attribute("axis", axis)])
