"""Concatenations of floats: what works on each of their channels alone works on the parts."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import (
    CHAINED,
    QUANTIZERS,
    add_constant,
    attribute,
    constant,
    consumers,
    data_operands,
    fresh_name,
)
from bnnfpga.golden.model import float_concats
from bnnfpga.input_format import InputFormat
from bnnfpga.transforms.editing import drop_unread
from bnnfpga.transforms.integer_types import INTEGER_CONCAT, integer_type, make_join

_FLOATS = "joins_floats"
"""Attribute of a Concat that the golden model computes on floats, since its operands have no common grid."""


def mark_float_concats(model: ModelWrapper, input: InputFormat) -> None:
    """Note of each concatenation of a clean graph whether it joins floats, for `ConcatBehindQuantizers`.

    Rewrites change what stands in front of a concatenation, and with it what could be joined, but not to the bit.
    """
    names = float_concats(model, input)
    for node in model.graph.node:
        if node.name in names:
            node.attribute.append(onnx.helper.make_attribute(_FLOATS, 1))


def joins_floats(node: onnx.NodeProto) -> bool:
    """Whether a node is a concatenation that joins floats."""
    return node.op_type == "Concat" and bool(attribute(node, _FLOATS, 0))


class ConcatBehindQuantizers(Transformation):  # type: ignore[misc]
    """A concatenation of floats moves behind what makes codes of them: elementwise nodes, max pools and quantizers.

    Each part gets a copy of such a node, with the constants of its channels.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if not joins_floats(node) or data_operands(model, node) != list(node.input):
                continue
            if all(integer_type(model, name) is not None for name in node.input):
                make_join(node, INTEGER_CONCAT, [1] * len(node.input))
                return model, True
            moved = [_move_behind(model, node, reader) for reader in consumers(model, node.output[0])]
            if any(moved):
                drop_unread(model)
                return model, True
        return model, False


def _move_behind(model: ModelWrapper, concat: onnx.NodeProto, reader: onnx.NodeProto) -> bool:
    """Let `reader` work on each part of the concatenation, and join what it makes; False where it cannot."""
    source = concat.output[0]
    if joins_floats(reader):
        parts = [[*concat.input] if name == source else [name] for name in reader.input]
        reader.input[:] = [name for part in parts for name in part]
        return True
    if reader.op_type not in CHAINED or reader.op_type == "BatchNormalization":
        return False
    if data_operands(model, reader) != [source] or not _leads_to_codes(model, reader):
        return False
    results = []
    shape = model.get_tensor_shape(reader.output[0])
    place = list(model.graph.node).index(reader)
    begin = 0
    for part in concat.input:
        end = begin + model.get_tensor_shape(part)[1]
        copy = onnx.NodeProto()
        copy.CopyFrom(reader)
        copy.name = fresh_name(model, f"{reader.name}_{begin}")
        for index, name in enumerate(reader.input):
            value = constant(model, name) if name else None
            if name == source:
                copy.input[index] = part
            elif value is not None and (axis := _channel_axis(reader, value, len(shape))) is not None:
                copy.input[index] = add_constant(model, copy.name, value.take(range(begin, end), axis))
        copy.output[0] = fresh_name(model, f"{reader.output[0]}_{begin}")
        model.set_tensor_shape(copy.output[0], [shape[0], end - begin, *shape[2:]])
        results.append(copy.output[0])
        model.graph.node.insert(place, copy)
        place += 1
        begin = end
    joined = onnx.NodeProto()
    joined.CopyFrom(concat)
    joined.name = fresh_name(model, concat.name)
    joined.input[:], joined.output[0] = results, reader.output[0]
    model.graph.node.remove(reader)
    model.graph.node.insert(place, joined)
    return True


def _leads_to_codes(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    """Whether a quantizer is the node, or behind it: what the host computes at the end is not taken apart."""
    return node.op_type in QUANTIZERS or any(
        _leads_to_codes(model, reader) for reader in consumers(model, node.output[0])
    )


def _channel_axis(node: onnx.NodeProto, value: NDArray[np.float32], rank: int) -> int | None:
    """The axis of a constant that belongs to the channels of the node's tensor, None where it holds for all of them."""
    axis = 0 if node.op_type == "MultiThreshold" else value.ndim - rank + 1
    return axis if 0 <= axis < value.ndim and value.shape[axis] > 1 else None
