"""What a model does with its scores at the end: class probabilities, or the class itself."""

from __future__ import annotations

import math

import numpy as np

from bnnfpga.errors import UserError
from bnnfpga.frontend.contract.table import of_family
from bnnfpga.frontend.model import Model, Node
from bnnfpga.frontend.nodes import LAYOUT_OPS, attribute, describe, make_boundary, required_shape

_KEY = "bnnfpga.final"
FINAL = (*of_family("Ends"), "Sigmoid")
"""What a model may do with its scores at the end. All of them keep their order."""


def cut_final(model: Model) -> None:
    """Cut off Softmax, LogSoftmax, Sigmoid, ArgMax and TopK at the end; the graph's metadata say which.

    The graph's output becomes the tensor in front of them. The class is the index of its largest element, the first of
    equals.
    """
    while _cut_last(model):
        pass


def final_operators(model: Model) -> tuple[str, ...]:
    """Kinds of the nodes that `cut_final` cut off, in their order."""
    return tuple(model.metadata.get(_KEY, "").split())


def gives_class(model: Model) -> bool:
    """Whether the file's own output is the class, not scores or probabilities."""
    return any(kind in ("ArgMax", "TopK") for kind in final_operators(model))


def _cut_last(model: Model) -> bool:
    last = {model.producer(name): None for name in model.outputs}
    node = next(iter(last))
    if len(last) != 1 or node is None:
        return False
    above: Node | None = node
    tensor = model.output
    while above is not None and above.op_type in (*LAYOUT_OPS, "Cast", "Identity"):
        tensor = above.input[0]
        above = model.producer(tensor)
    if above is None or above.op_type not in FINAL:
        return False
    _check(model, above)
    if above.op_type == "TopK" and len(model.outputs) == 1 and tensor == above.output[0]:
        raise UserError(
            "the model's output is the largest score, not its class",
            where=describe(above),
            hint="export the model with its scores, or with the indices that TopK gives",
        )
    if model.producer(above.input[0]) is None:
        raise UserError(
            "it works on the model's input itself, so there is nothing to compile",
            where=describe(above),
            hint="give a model with a quantised layer",
        )
    model.set_metadata(_KEY, " ".join([above.op_type, *final_operators(model)]))
    make_boundary(model, output=above.input[0])
    model.remove_unread(node, above)
    return True


def _check(model: Model, node: Node) -> None:
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
        count = model.constant(node.input[1])
        if count is None or np.any(np.ravel(count) != 1):
            raise UserError("only the one largest score can be found", where=describe(node), hint="use TopK with k = 1")
