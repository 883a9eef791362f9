"""Frames whose elements come in another order than the next unit takes them."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.lowering.accelerator import Lowering, Tensor, channels_last
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Node
from bnnfpga.frontend.nodes import describe, rearrange
from bnnfpga.integers import IntArray

_MOST_BITS = 1 << 13
"""Bits of a frame that passes as one beat: some registers for each, and a width converter on either side."""


def in_order(lowering: Lowering, node: Node, tensor: Tensor, order: IntArray) -> Tensor:
    """The same tensor as a stream in another order; a frame is one beat where that is not the order it has.

    Raises
    ------
    UserError
        If the frame is too large for one beat.
    """
    if np.array_equal(tensor.order, order):
        return tensor
    type = lowering.stream_type(tensor)
    bits = len(order) * type.bits
    if bits > _MOST_BITS:
        raise UserError(
            f"it changes the order of a frame of {bits:,} bits; frames of up to {_MOST_BITS:,} bits can be reordered",
            where=describe(node),
            hint="put it behind a quantizer to fewer bits, use fewer elements, or let only a flattening and nodes with "
            "one constant for all channels stand between it and one dense layer, which takes the order over",
        )
    index = np.argsort(tensor.order)[order]
    unit = Select(lowering.name(Select), (), len(order), tuple(index.tolist()), type)
    return Tensor(lowering.add(unit, tensor.producer), order)


def layout(lowering: Lowering, node: Node) -> None:
    """Flattening costs nothing, the stream stays as it is; an image comes with its channels innermost."""
    tensor = lowering.read(node)
    shape = lowering.shape(node.output[0])
    if len(shape) > 1:
        tensor = in_order(lowering, node, tensor, channels_last(shape))
    lowering.tensors[node.output[0]] = tensor


def transpose(lowering: Lowering, node: Node) -> None:
    """The same elements at other places of the tensor."""
    tensor = lowering.read(node)
    taken = lowering.model.shape(node.input[0])
    # Where each element of the flattened input stands in the flattened output.
    places = np.argsort(rearrange(lowering.model, node, np.arange(len(tensor.order)).reshape(taken)).reshape(-1))
    moved = Tensor(tensor.producer, places[tensor.order])
    shape = lowering.shape(node.output[0])
    if len(shape) > 1:
        moved = in_order(lowering, node, moved, channels_last(shape))
    lowering.tensors[node.output[0]] = moved
