"""What a model does with its scores at the end: class probabilities, or the class itself."""

from __future__ import annotations

import math

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.errors import UserError
from bnnfpga.frontend.contract.table import of_family
from bnnfpga.frontend.nodes import LAYOUT_OPS, attribute, constant, describe, make_boundary, required_shape

_KEY = "bnnfpga.final"
FINAL = of_family("Ends")
"""What a model may do with its scores at the end. All of them keep their order."""


class CutFinal(Transformation):  # type: ignore[misc]
    """Softmax, LogSoftmax, Sigmoid, ArgMax and TopK at the end are cut off; the graph's metadata say which.

    The graph's output becomes the tensor in front of them. The class is the index of its largest element, the first of
    equals.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        found = {node.name: node for node in map(model.find_producer, _output_names(model)) if node is not None}
        if len(found) != 1:
            return model, False
        node = next(iter(found.values()))
        above = node
        while above is not None and above.op_type in (*LAYOUT_OPS, "Cast", "Identity"):
            above = model.find_producer(above.input[0])
        if above is None or above.op_type not in FINAL:
            return model, False
        _check(model, above)
        source = above.input[0]
        model.set_metadata_prop(_KEY, " ".join([above.op_type, *final_operators(model)]))
        make_boundary(model, model.graph.output, source)
        for item in (node, above):
            _remove_unread(model, item)
        return model, True


def final_operators(model: ModelWrapper) -> tuple[str, ...]:
    """Kinds of the nodes that `CutFinal` cut off, in their order."""
    return tuple((model.get_metadata_prop(_KEY) or "").split())


def gives_class(model: ModelWrapper) -> bool:
    """Whether the file's own output is the class, not scores or probabilities."""
    return any(kind in ("ArgMax", "TopK") for kind in final_operators(model))


def _output_names(model: ModelWrapper) -> list[str]:
    return [value.name for value in model.graph.output]


def _check(model: ModelWrapper, node: onnx.NodeProto) -> None:
    """Refuse what is not about the largest of all scores."""
    if node.op_type == "Sigmoid":
        return
    shape = required_shape(model, node, node.input[0])
    axis = attribute(node, "axis", -1)
    extent = shape[axis] if -len(shape) <= axis < len(shape) else 0
    if extent != math.prod(shape):
        raise UserError(
            f"it works on axis {axis} of a tensor of shape {tuple(shape)}, not on all scores of an image",
            where=describe(node),
            hint="export the model without it",
        )
    if node.op_type == "TopK":
        count = constant(model, node.input[1])
        if count is None or np.any(np.ravel(count) != 1):
            raise UserError("only the one largest score can be found", where=describe(node), hint="use TopK with k = 1")


def _remove_unread(model: ModelWrapper, node: onnx.NodeProto) -> None:
    """Remove a node that no longer leads to the output, and what then leads nowhere."""
    outputs = set(_output_names(model))
    while node is not None and node in list(model.graph.node):
        if any(name in outputs or model.find_consumers(name) for name in node.output):
            return
        above = model.find_producer(node.input[0])
        model.graph.node.remove(node)
        node = above
