"""Nodes of a clean graph that compute constants from constants, computed."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_shapes import InferShapes

from bnnfpga.frontend.constant_nodes import compute
from bnnfpga.frontend.contract.terms import MODERN
from bnnfpga.frontend.nodes import constant


class FoldConstants(Transformation):  # type: ignore[misc]
    """The outputs of nodes that read constants alone become constants: what was quantised at first is now plain."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        folded = [node for node in model.graph.node if _fold(model, node)]
        for node in folded:
            model.graph.node.remove(node)
        return (model.transform(InferShapes(), make_deepcopy=False) if folded else model), bool(folded)


def _fold(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    """Make a node's output a constant; False where it is none, or the node has a meaning beyond its numbers."""
    if node.domain or not node.input or any(node.output[1:]):
        return False
    inputs = {name: constant(model, name) for name in node.input if name}
    given = {name: value for name, value in inputs.items() if value is not None}
    if len(given) < len(inputs):
        return False
    model.set_initializer(node.output[0], np.asarray(compute(node, given, MODERN)[0]))
    return True
