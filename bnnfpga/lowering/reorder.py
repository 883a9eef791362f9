"""Reordering frames whose elements are not in the order that the next unit needs."""

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
"""Maximum bits of a frame sent as one beat: some registers for each, and a width converter on either side."""


def in_order(lowering: Lowering, node: Node, tensor: StreamedTensor, order: IntArray) -> StreamedTensor:
    """The same tensor as a stream in another order; to reorder it, the frame is sent as one beat.

    Raises
    ------
    UserError
        If the frame is too large for one beat.
    """
    if np.array_equal(tensor.order, order):
        return tensor
    index = np.argsort(tensor.order)[order]
    return StreamedTensor(select_in_one_beat(lowering, node, tensor, index), order)


def select_in_one_beat(lowering: Lowering, node: Node, tensor: StreamedTensor, index: IntArray) -> str:
    """Select elements of a stream by index, in any order: the frame is sent as one beat.

    Raises
    ------
    UserError
        If the frame is too large for one beat.
    """
    type = lowering.stream_type(tensor)
    elements = len(tensor.order)
    bits = max(elements, len(index)) * type.bits
    if bits > _MAX_BITS:
        raise UserError(
            f"it changes the order of a frame of {bits:,} bits; frames of up to {_MAX_BITS:,} bits can be reordered",
            where=describe(node),
            hint="put it behind a quantizer to fewer bits, use fewer elements, or let only a flattening and nodes with "
            "one constant for all channels stand between it and one dense layer, which absorbs the order",
        )
    unit = Select(lowering.name(Select), (), elements, tuple(index.tolist()), type)
    return lowering.add(unit, tensor.producer)


def image(lowering: Lowering, node: Node, index: int = 0) -> StreamedTensor:
    """An operand of a node that needs images with channels innermost, reordered so for all its readers.

    Raises
    ------
    UserError
        If the frame is too large for one beat.
    """
    name = node.input[index]
    shape, tensor = lowering.shape(name), lowering.tensors[name]
    # A tensor whose pads are pending is already in that order.
    if len(shape) > 1 and not any(tensor.pads):
        above = lowering.model.producer(name)
        tensor = in_order(lowering, node if above is None else above, tensor, channels_last(shape))
        lowering.record(name, tensor)
    return tensor


def layout(lowering: Lowering, node: Node) -> None:
    """Lower a layout change that leaves the stream unchanged."""
    lowering.record(node.output[0], lowering.read(node))


def transpose(lowering: Lowering, node: Node) -> None:
    """Lower a permutation of a tensor's elements: the stream stays unchanged, only its order is recorded."""
    tensor = lowering.read(node)
    shape = lowering.model.shape(node.input[0])
    # The index in the flattened output of each element of the flattened input.
    places = np.argsort(rearrange(lowering.model, node, np.arange(len(tensor.order)).reshape(shape)).reshape(-1))
    lowering.bind(node, tensor.producer, places[tensor.order])
