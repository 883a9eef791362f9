"""Concatenations of floats: what works on each of their channels alone works on the parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.frontend.model import Model, Node
from bnnfpga.frontend.nodes import (
    CHAINED,
    QUANTIZERS,
    attribute,
    data_operands,
)
from bnnfpga.frontend.rewriting import Rewrite
from bnnfpga.transforms.integer_types import INTEGER_CONCAT, integer_type, make_join

JOINS_FLOATS = "joins_floats"
"""Attribute of a Concat that the golden model computes on floats, since its operands have no common grid."""


def joins_floats(node: Node) -> bool:
    """Whether a node is a concatenation that joins floats."""
    return node.op_type == "Concat" and bool(attribute(node, JOINS_FLOATS, 0))


class ConcatBehindQuantizers(Rewrite):
    """A concatenation of floats moves behind what makes codes of them: elementwise nodes, max pools and quantizers.

    Each part gets a copy of such a node, with the constants of its channels.
    """

    def visit(self, model: Model, node: Node) -> bool:
        if not joins_floats(node) or data_operands(model, node) != list(node.input):
            return False
        if all(integer_type(model, name) is not None for name in node.input):
            make_join(model, node, INTEGER_CONCAT, [1] * len(node.input))
            return True
        moved = [_move_behind(model, node, reader) for reader in model.consumers(node.output[0])]
        if not any(moved):
            return False
        model.remove_unread(node)
        return True


def _move_behind(model: Model, concat: Node, reader: Node) -> bool:
    """Let `reader` work on each part of the concatenation, and join what it makes; False where it cannot."""
    source = concat.output[0]
    if joins_floats(reader):
        parts = [[*concat.input] if name == source else [name] for name in reader.input]
        model.set_inputs(reader, [name for part in parts for name in part])
        return True
    if reader.op_type not in CHAINED or reader.op_type == "BatchNormalization":
        return False
    if data_operands(model, reader) != [source] or not _leads_to_codes(model, reader):
        return False
    results = []
    shape = model.shape(reader.output[0])
    copies = []
    begin = 0
    for part in concat.input:
        end = begin + model.shape(part)[1]
        name = model.fresh_name(f"{reader.name}_{begin}")
        operands = [part if operand == source else operand for operand in reader.input]
        for index, operand in enumerate(operands):
            value = model.constant(operand)
            if value is not None and (axis := _channel_axis(reader, value, len(shape))) is not None:
                operands[index] = model.add_constant(name, value.take(range(begin, end), axis))
        result = model.fresh_name(f"{reader.output[0]}_{begin}")
        model.set_shape(result, [shape[0], end - begin, *shape[2:]])
        results.append(result)
        copies.append(Node(reader.op_type, operands, [result], name, reader.domain, reader.attributes, reader.origin))
        begin = end
    name = model.fresh_name(concat.name)
    joined = Node(concat.op_type, results, [reader.output[0]], name, "", concat.attributes, concat.origin)
    model.replace(reader, *copies, joined)
    return True


def _leads_to_codes(model: Model, node: Node) -> bool:
    """Whether a quantizer is the node, or behind it: what the host computes at the end is not taken apart."""
    seen = {node}
    ahead = [node]
    while ahead:
        item = ahead.pop()
        if item.op_type in QUANTIZERS:
            return True
        fresh = [reader for reader in model.consumers(item.output[0]) if reader not in seen]
        seen.update(fresh)
        ahead += fresh
    return False


def _channel_axis(node: Node, value: NDArray[np.float32], rank: int) -> int | None:
    """The axis of a constant that belongs to the channels of the node's tensor, None where it holds for all of them."""
    axis = 0 if node.op_type == "MultiThreshold" else value.ndim - rank + 1
    return axis if 0 <= axis < value.ndim and value.shape[axis] > 1 else None
