"""Streams that meet, and channels that are picked."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.lowering.accelerator import Lowering, stream_shape
from bnnfpga.dataflow.lowering.reorder import in_order
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.frontend.channels import channel_index
from bnnfpga.frontend.model import Node
from bnnfpga.frontend.nodes import attribute
from bnnfpga.integers import IntArray


def add_streams(lowering: Lowering, node: Node) -> None:
    """A sum of more than two streams is a chain of sums."""
    tensors = [lowering.read(node, index) for index in range(len(node.input))]
    tensors = [in_order(lowering, node, tensor, tensors[0].order) for tensor in tensors]
    factors = attribute(node, "factors", [])
    shape = stream_shape(lowering.shape(node.output[0]))
    producer, type, factor = tensors[0].producer, lowering.stream_type(tensors[0]), factors[0]
    for tensor, other in zip(tensors[1:], factors[1:], strict=True):
        types = (type, lowering.stream_type(tensor))
        unit = Add(lowering.name(Add), shape, types, (factor, other))
        producer, type, factor = lowering.add(unit, producer, tensor.producer), unit.made, 1
    assert producer is not None
    lowering.made(node, producer, tensors[0].order)


def concat(lowering: Lowering, node: Node) -> None:
    """Streams of different types or scales are brought to one by a table each; more than two are a chain."""
    type = lowering.tensor_type(node.output[0])
    shape = stream_shape(lowering.shape(node.output[0]))
    producer, channels = None, 0
    orders: list[IntArray] = []
    for index, factor in enumerate(attribute(node, "factors", [])):
        tensor = lowering.read(node, index)
        taken = lowering.stream_type(tensor)
        own = stream_shape(lowering.shape(node.input[index]))
        source = tensor.producer
        if taken != type or factor != 1:
            codes = np.arange(1 << taken.bits, dtype=np.int64)
            values = np.clip(taken.decode(codes), taken.lo, taken.hi) * factor
            source = lowering.add(Lookup(lowering.name(Lookup), own, taken, values, type), source)
        orders.append(tensor.order + sum(len(order) for order in orders))
        if index:
            unit = Concat(lowering.name(Concat), own[:-1], (channels, own[-1]), type)
            source = lowering.add(unit, producer, source)
        producer, channels = source, channels + own[-1]
    assert producer is not None
    lowering.made(node, producer, np.concatenate(orders) if len(shape) == 1 else None)


def select(lowering: Lowering, node: Node) -> None:
    """Some channels, in any order: the wires of a pixel."""
    tensor = lowering.read(node)
    shape = stream_shape(lowering.shape(node.input[0]))
    index = channel_index(lowering.model, node)
    if len(shape) == 1:
        # Where each element of the model's order comes in the stream.
        index = np.argsort(tensor.order)[index]
    unit = Select(lowering.name(Select), shape[:-1], shape[-1], tuple(index.tolist()), lowering.stream_type(tensor))
    lowering.made(node, lowering.add(unit, tensor.producer))
