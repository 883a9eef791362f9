"""Small questions about nodes and tensors of a graph."""

from __future__ import annotations

from typing import Any

import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.errors import UserError

QUANTIZERS = ("Quant", "BipolarQuant")
QUANTIZER_DOMAIN = "qonnx.custom_op.general"
LAYOUT_OPS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
"""Nodes that only regroup a frame's elements, keeping their order."""


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Value of a node's attribute; strings as `str`."""
    for item in node.attribute:
        if item.name == name:
            value = onnx.helper.get_attribute_value(item)
            return value.decode(errors="replace") if isinstance(value, bytes) else value
    return default


def describe(node: onnx.NodeProto) -> str:
    """How messages name a node."""
    return f"node {node.name!r} ({node.op_type})"


def constant(model: ModelWrapper, name: str) -> NDArray[Any] | None:
    """Value of a constant tensor, None for others."""
    value: NDArray[Any] | None = model.get_initializer(name)
    return value


def required_constant(model: ModelWrapper, node: onnx.NodeProto, index: int, meaning: str) -> NDArray[Any]:
    """Value of a node's input that must be constant."""
    value = constant(model, node.input[index]) if len(node.input) > index else None
    if value is None:
        raise UserError(
            f"its {meaning} is not a constant", where=describe(node), hint="export the trained model in eval mode"
        )
    return value


def consumers(model: ModelWrapper, tensor: str) -> list[onnx.NodeProto]:
    """Nodes that read `tensor`."""
    return [node for node in model.graph.node if tensor in node.input]


def replace_input(model: ModelWrapper, old: str, new: str) -> None:
    """Let all readers of `old` read `new`."""
    for node in consumers(model, old):
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def elementwise_operand(model: ModelWrapper, node: onnx.NodeProto) -> str:
    """The one tensor of an elementwise node that is not constant."""
    dynamic: list[str] = [name for name in node.input if constant(model, name) is None]
    if len(dynamic) != 1:
        raise UserError(
            f"it joins {len(dynamic)} streams of data, which dense nets cannot have yet",
            where=describe(node),
        )
    return dynamic[0]


def fresh_name(model: ModelWrapper, stem: str) -> str:
    """A tensor name that the graph does not have yet: `stem`, with a number if need be."""
    graph = model.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    taken |= {value.name for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info)}
    name, number = stem, 0
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name
