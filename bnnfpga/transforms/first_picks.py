"""One quantizer before the selections of parts of the model's input, so that the host's part is a chain."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model, Node, copy_node
from bnnfpga.frontend.graph.nodes import data_operands


def quantise_before_picks(model: Model) -> None:
    """Put one quantizer in front of the nodes that move elements of the input if identical ones follow all of them.

    An example: the cells of an unrolled recurrent net, each of which quantises its `x[:, t]`.
    """
    moved_input = _movers(model)
    if moved_input is None:
        return
    movers, quantizers = moved_input
    first = quantizers[0]
    if len(quantizers) < 2 or not all(_same(model, first, node) for node in quantizers):
        return
    codes = model.fresh_name(f"{first.name}_codes")
    model.set_shape(codes, model.shape(model.input))
    whole = copy_node(first)
    whole.name = codes
    model.insert_before(model.nodes[0], whole)
    model.set_output(whole, codes)
    model.set_inputs(whole, [model.input if name == first.input[0] else name for name in first.input])
    for node in movers:
        if node.input[0] == model.input:
            model.set_input(node, 0, codes)
    for node in quantizers:
        model.remove(node)
        model.replace_input(node.output[0], node.input[0])
    for node in movers:
        # A tensor whose contents differ from those in the file gets another name.
        moved = model.fresh_name(f"{node.name}_codes")
        model.set_shape(moved, model.shape(node.output[0]))
        model.replace_input(node.output[0], moved)
        model.set_output(node, moved)


def _movers(model: Model) -> tuple[list[Node], list[Node]] | None:
    """The nodes that move elements of the input, and the quantizers after them; None if anything else reads them."""
    movers: list[Node] = []
    quantizers: list[Node] = []
    ahead = [model.input]
    while ahead:
        tensor = ahead.pop()
        if tensor in model.outputs:
            return None
        for node in model.consumers(tensor):
            if traits_of(node).quantizes and tensor != model.input:
                quantizers.append(node)
            elif traits_of(node).moves:
                movers.append(node)
                ahead.append(node.output[0])
            else:
                return None
    is_read = all(node.output[0] not in model.outputs for node in quantizers)
    return (movers, quantizers) if movers and is_read else None


def _same(model: Model, first: Node, other: Node) -> bool:
    """Whether two quantizers apply the same function to every element, whatever its position."""
    if (first.op_type, first.domain, first.attributes) != (other.op_type, other.domain, other.attributes):
        return False
    if len(first.input) != len(other.input) or [data_operands(model, node) for node in (first, other)] != [
        [first.input[0]],
        [other.input[0]],
    ]:
        return False
    values = [[model.constant(name) for name in node.input[1:]] for node in (first, other)]
    return all(
        one is not None and two is not None and one.size == 1 and np.array_equal(one.ravel(), two.ravel())
        for one, two in zip(*values, strict=True)
    )
