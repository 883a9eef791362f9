"""The TopK that FINN's InsertTopK puts behind the scores: that of opset 10, in files of any opset."""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from bnnfpga.frontend.graph.nodes import attribute

_WITH_INPUT = 10
"""The opset from which on `k` is an input of TopK."""


def fit_top_k(model: onnx.ModelProto, opset: int) -> None:
    """Write a TopK with an input `k`, in place, as an older opset has it, where it says nothing that it cannot."""
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
