"""Concatenations of floats: what works on each of their channels alone works on the parts."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import (
    ELEMENTWISE,
    POOLS,
    add_constant,
    constant,
    consumers,
    data_operands,
    fresh_name,
)
from bnnfpga.grids import common_grid
from bnnfpga.transforms.editing import drop_unread
from bnnfpga.transforms.integer_types import integer_type
from bnnfpga.transforms.joins import scaled_integer


class ConcatBehindQuantizers(Transformation):  # type: ignore[misc]
    """A concatenation of floats moves behind what makes codes of them: elementwise nodes, pools and quantizers.

    Each part gets a copy of such a node, with the constants of its channels. Scaled integers that have a common grid
    are joined as they are instead.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type != "Concat" or data_operands(model, node) != list(node.input):
                continue
            if not all(_begins_with_integers(model, name) for name in node.input) or _has_grid(model, node):
                continue
            channels = [model.get_tensor_shape(name)[1] for name in node.input]
            for reader in consumers(model, node.output[0]):
                if reader.op_type == "Concat":
                    place = list(reader.input).index(node.output[0])
                    reader.input[:] = [*reader.input[:place], *node.input, *reader.input[place + 1 :]]
                elif not _split(model, node, reader, channels):
                    continue
                drop_unread(model)
                return model, True
        return model, False


def _begins_with_integers(model: ModelWrapper, tensor: str) -> bool:
    """Whether elementwise nodes and pools alone stand between a tensor and one of integers."""
    while integer_type(model, tensor) is None:
        node = model.find_producer(tensor)
        if node is None or node.op_type not in (*ELEMENTWISE, *POOLS) or len(data_operands(model, node)) != 1:
            return False
        tensor = data_operands(model, node)[0]
    return True


def _has_grid(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    scaled = [scaled_integer(model, name) for name in node.input]
    known = [item[1] for item in scaled if item is not None]
    return len(known) == len(scaled) and common_grid(known) is not None


def _split(model: ModelWrapper, concat: onnx.NodeProto, reader: onnx.NodeProto, channels: list[int]) -> bool:
    """Let `reader` work on each part of the concatenation, and join what it makes; False where it cannot."""
    if reader.op_type not in (*ELEMENTWISE, *POOLS) or reader.op_type == "BatchNormalization":
        return False
    if data_operands(model, reader) != [concat.output[0]]:
        return False
    results = []
    ends = np.cumsum(channels).tolist()
    place = list(model.graph.node).index(reader)
    shape = model.get_tensor_shape(reader.output[0])
    for part, begin, end in zip(concat.input, [0, *ends[:-1]], ends, strict=True):
        copy = onnx.NodeProto()
        copy.CopyFrom(reader)
        copy.name = fresh_name(model, f"{reader.name}_{begin}")
        for index, name in enumerate(reader.input):
            value = constant(model, name) if name else None
            if name == concat.output[0]:
                copy.input[index] = part
            elif value is not None and (axis := _channel_axis(reader, value, len(shape))) is not None:
                copy.input[index] = add_constant(model, copy.name, value.take(range(begin, end), axis))
        copy.output[0] = fresh_name(model, f"{reader.output[0]}_{begin}")
        model.set_tensor_shape(copy.output[0], [shape[0], end - begin, *shape[2:]])
        results.append(copy.output[0])
        model.graph.node.insert(place, copy)
        place += 1
    joined = onnx.helper.make_node("Concat", results, [reader.output[0]], name=fresh_name(model, concat.name), axis=1)
    model.graph.node.remove(reader)
    model.graph.node.insert(place, joined)
    return True


def _channel_axis(node: onnx.NodeProto, value: NDArray[np.float32], rank: int) -> int | None:
    """The axis of a constant that belongs to the channels of the node's tensor, None where it holds for all of them."""
    axis = 0 if node.op_type == "MultiThreshold" else value.ndim - rank + 1
    return axis if 0 <= axis < value.ndim and value.shape[axis] > 1 else None
