"""Shuffles and concatenations of channels."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, comes_from_constants, describe
from bnnfpga.frontend.graph.transform import Transform


class ChannelShuffles(Transform):
    """A Reshape, Transpose, Reshape sequence that only reorders channels becomes a Gather."""

    kinds = ("Transpose",)

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]):
            return False
        above, behind = model.producer(node.input[0]), model.only_reader(node.output[0])
        if above is None or behind is None or any(node.op_type != "Reshape" for node in (above, behind)):
            return False
        source, result = above.input[0], behind.output[0]
        shape, grouped = model.shape(source), model.shape(above.output[0])
        if shape != model.shape(result) or len(shape) < 3 or model.only_reader(above.output[0]) is None:
            return False
        turned = np.arange(int(np.prod(shape))).reshape(grouped).transpose(attribute(node, "perm", None))
        elements = turned.reshape(shape)
        pixels = int(np.prod(shape[2:]))
        index = elements.reshape(shape[1], pixels)[:, 0] // pixels
        expected = np.arange(int(np.prod(shape))).reshape(shape)[:, index]
        if not np.array_equal(elements, expected):
            return False
        model.set_input(node, 0, source)
        model.remove(node, above)
        operand = model.add_constant(f"{node.name}_index", index.astype(np.int64))
        gather = make_node("Gather", [source, operand], [result], name=node.name, axis=1)
        model.replace(behind, gather)
        return True


def check_concats(model: Model) -> None:
    """Refuse concatenations along the batch axis."""
    for node in model.nodes:
        if traits_of(node).concatenates and attribute(node, "axis", 0) % len(model.shape(node.output[0])) == 0:
            raise UserError(
                "it concatenates along the batch axis",
                where=describe(node),
                hint="concatenate along another axis than 0",
            )
