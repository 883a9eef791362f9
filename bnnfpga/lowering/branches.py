"""Joining streams, and selecting or padding channels."""

from __future__ import annotations

import math

import numpy as np

from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.multiply import Multiply
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.picks import gathered
from bnnfpga.frontend.forms.sliding import pad_value
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import attribute
from bnnfpga.lowering.accelerator import Lowering, stream_shape
from bnnfpga.lowering.reorder import image, in_order
from bnnfpga.numbers.integers import IntArray, IntegerType


def add_streams(lowering: Lowering, node: Node) -> None:
    """Lower a sum of streams; more than two become a chain of adders."""
    tensors = [lowering.read(node, index) for index in range(len(node.input))]
    tensors = [in_order(lowering, node, tensor, tensors[0].order) for tensor in tensors]
    factors = attribute(node, "factors", [])
    shape = stream_shape(lowering.shape(node.output[0]))
    producer, type, factor = tensors[0].producer, lowering.stream_type(tensors[0]), factors[0]
    for tensor, other in zip(tensors[1:], factors[1:], strict=True):
        types = (type, lowering.stream_type(tensor))
        unit = Add(lowering.name(Add), shape, types, (factor, other))
        producer, type, factor = lowering.add(unit, producer, tensor.producer), unit.result_type, 1
    assert producer is not None
    lowering.bind(node, producer, tensors[0].order)


def multiply_streams(lowering: Lowering, node: Node) -> None:
    """Lower a product of two streams."""
    first, second = (lowering.read(node, index) for index in range(2))
    second = in_order(lowering, node, second, first.order)
    shape = stream_shape(lowering.shape(node.output[0]))
    types = (lowering.stream_type(first), lowering.stream_type(second))
    unit = Multiply(lowering.name(Multiply), shape, types)
    lowering.bind(node, lowering.add(unit, first.producer, second.producer), first.order)


def concat(lowering: Lowering, node: Node) -> None:
    """Lower a concatenation: a table converts each stream of another type or scale; more than two form a chain."""
    type = lowering.tensor_type(node.output[0])
    shape = lowering.shape(node.output[0])
    axis = attribute(node, "axis", 1) % (len(shape) + 1)
    # Rows and columns are joined like channels: at each position outside them, a run of elements of each stream.
    outside = len(shape) - 1 if axis == 1 else axis - 2
    producer, joined = None, 0
    orders: list[IntArray] = []
    for index, factor in enumerate(attribute(node, "factors", [])):
        tensor = image(lowering, node, index)
        own = stream_shape(lowering.shape(node.input[index]))
        source = of_type(lowering, tensor.producer, own, type, factor)
        orders.append(tensor.order + sum(len(order) for order in orders))
        positions = tuple(shape[1 : 1 + outside])
        run = len(tensor.order) // math.prod(positions)
        if index:
            source = lowering.add(Concat(lowering.name(Concat), positions, (joined, run), type), producer, source)
        producer, joined = source, joined + run
    assert producer is not None
    lowering.bind(node, producer, np.concatenate(orders) if len(shape) == 1 else None)


def of_type(
    lowering: Lowering, producer: str | None, shape: tuple[int, ...], type: IntegerType, factor: int = 1
) -> str | None:
    """Convert a stream to another element type, multiplied by a factor: with a table, unless nothing changes."""
    source = lowering.type_of(producer)
    if source == type and factor == 1:
        return producer
    codes = np.arange(1 << source.bits, dtype=np.int64)
    values = np.clip(source.decode(codes), source.lo, source.hi) * factor
    return lowering.add(Lookup(lowering.name(Lookup), shape, source, values, type), producer)


def pad_channels(lowering: Lowering, node: Node) -> None:
    """Lower a Pad that adds constant channels before and after those of each pixel."""
    tensor = image(lowering, node)
    type, fill = lowering.tensor_type(node.output[0]), int(pad_value(lowering.model, node))
    shape = stream_shape(lowering.shape(node.input[0]))
    before, after = channel_pads(node)
    source = of_type(lowering, tensor.producer, shape, type)
    order = np.argsort(tensor.order) if len(shape) == 1 else np.arange(shape[-1])
    index = (*[shape[-1]] * before, *order.tolist(), *[shape[-1]] * after)
    unit = Select(lowering.name(Select), shape[:-1], shape[-1], index, type, constants=(fill,))
    lowering.bind(node, lowering.add(unit, source))


def select(lowering: Lowering, node: Node) -> None:
    """Lower a selection of channels, in any order: the wiring of a pixel."""
    tensor = image(lowering, node)
    shape = stream_shape(lowering.shape(node.input[0]))
    index = gathered(lowering.model, node)[1]
    if np.array_equal(index, np.arange(shape[-1])):
        lowering.record(node.output[0], tensor)
        return
    if len(shape) == 1:
        # The position in the stream of each element in the model's order.
        index = np.argsort(tensor.order)[index]
    unit = Select(lowering.name(Select), shape[:-1], shape[-1], tuple(index.tolist()), lowering.stream_type(tensor))
    lowering.bind(node, lowering.add(unit, tensor.producer))
