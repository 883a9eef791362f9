"""Frames whose elements come in another order than the next unit takes them."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.frontend.forms.rearranging import rearrange
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import describe
from bnnfpga.lowering.accelerator import Lowering, StreamedTensor, channels_last
from bnnfpga.numbers.integers import IntArray

_MAX_BITS = 1 << 13
"""Bits of a frame that passes as one beat: some registers for each, and a width converter on either side."""


def in_order(lowering: Lowering, node: Node, tensor: StreamedTensor, order: IntArray) -> StreamedTensor:
    """The same tensor as a stream in another order; a frame is one beat where that is not the order it has.

    Raises
    ------
    UserError
        If the frame is too large for one beat.
    """
    if np.array_equal(tensor.order, order):
        return tensor
    index = np.argsort(tensor.order)[order]
    return StreamedTensor(taken_at_once(lowering, node, tensor, index), order)


def taken_at_once(lowering: Lowering, node: Node, tensor: StreamedTensor, index: IntArray) -> str:
    """Any elements of a stream in any order, by number: the frame passes as one beat.

    Raises
    ------
    UserError
        If it is too large for that.
    """
    type = lowering.stream_type(tensor)
    taken = len(tensor.order)
    bits = max(taken, len(index)) * type.bits
    if bits > _MAX_BITS:
        raise UserError(
            f"it changes the order of a frame of {bits:,} bits; frames of up to {_MAX_BITS:,} bits can be reordered",
            where=describe(node),
            hint="put it behind a quantizer to fewer bits, use fewer elements, or let only a flattening and nodes with "
            "one constant for all channels stand between it and one dense layer, which takes the order over",
        )
    unit = Select(lowering.name(Select), (), taken, tuple(index.tolist()), type)
    return lowering.add(unit, tensor.producer)


def image(lowering: Lowering, node: Node, index: int = 0) -> StreamedTensor:
    """An operand of a node that takes images with their channels innermost: brought to that order for all its readers.

    Raises
    ------
    UserError
        If the frame is too large for one beat.
    """
    name = node.input[index]
    shape, tensor = lowering.shape(name), lowering.tensors[name]
    # What is still to be padded has been brought to that order.
    if len(shape) > 1 and not any(tensor.pads):
        above = lowering.model.producer(name)
        lowering.tensors[name] = in_order(lowering, node if above is None else above, tensor, channels_last(shape))
    return lowering.tensors[name]


def layout(lowering: Lowering, node: Node) -> None:
    """It costs nothing, the stream stays as it is."""
    lowering.tensors[node.output[0]] = lowering.read(node)


def transpose(lowering: Lowering, node: Node) -> None:
    """The same elements at other places of the tensor: the stream stays as it is."""
    tensor = lowering.read(node)
    taken = lowering.model.shape(node.input[0])
    # Where each element of the flattened input stands in the flattened output.
    places = np.argsort(rearrange(lowering.model, node, np.arange(len(tensor.order)).reshape(taken)).reshape(-1))
    lowering.tensors[node.output[0]] = StreamedTensor(tensor.producer, places[tensor.order])
