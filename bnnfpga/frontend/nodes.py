"""Small questions about nodes and tensors of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.errors import UserError, shown

QONNX_DOMAIN = "qonnx.custom_op.general"
WEIGHT_QUANTIZERS = ("Quant", "BipolarQuant")
QUANTIZERS = (*WEIGHT_QUANTIZERS, "MultiThreshold", "Sign")
"""Nodes of a clean graph that make integer codes; weights are behind the first two kinds only."""
ELEMENTWISE = (
    "Add",
    "BatchNormalization",
    "Ceil",
    "Clip",
    "Div",
    "Floor",
    "HardSigmoid",
    "LeakyRelu",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Relu",
    "Round",
    "Sub",
    *QUANTIZERS,
)
"""Nodes that compute each element of their output from the one of their input, with constants."""
CHAINED = (*ELEMENTWISE, "MaxPool")
"""What may stand between an integer and a quantizer: a pool of a step function is a step function of a pool."""
BROADCASTING = ("Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu")
"""Elementwise nodes with a constant of a shape of its own."""
DOT_PRODUCTS = ("MatMul", "Conv")
"""Nodes that sum products of their input with the weights, which are their second operand."""
POOLS = ("MaxPool", "AveragePool")
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
    return f"node {shown(node.name)} ({node.op_type})"


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


def required_shape(model: ModelWrapper, node: onnx.NodeProto, tensor: str) -> list[int]:
    """Shape of one of a node's tensors, where the node means nothing without."""
    shape: list[int] | None = model.get_tensor_shape(tensor)
    if not shape:
        raise UserError(
            f"the shape of its tensor {shown(tensor)} does not fold to a constant",
            where=describe(node),
            hint="export the model with fixed shapes",
        )
    return shape


def scalar_operand(model: ModelWrapper, node: onnx.NodeProto) -> float | None:
    """The constant of a node with two inputs, where it is one number."""
    values = [value for value in (constant(model, name) for name in node.input) if value is not None]
    return float(values[0].item()) if len(node.input) == 2 and len(values) == 1 and values[0].size == 1 else None


def rearrange(model: ModelWrapper, node: onnx.NodeProto, array: NDArray[Any]) -> NDArray[Any]:
    """What a Transpose or a layout node makes of a constant array."""
    if node.op_type == "Transpose":
        return array.transpose(attribute(node, "perm", None))
    return array.reshape(model.get_tensor_shape(node.output[0]))


def comes_from_constants(model: ModelWrapper, tensor: str) -> bool:
    """Whether a tensor is constant, or is made of constants alone, as quantised weights are."""
    producer = model.find_producer(tensor)
    if producer is None:
        return constant(model, tensor) is not None
    return all(comes_from_constants(model, name) for name in producer.input if name)


def consumers(model: ModelWrapper, tensor: str) -> list[onnx.NodeProto]:
    """Nodes that read `tensor`."""
    return [node for node in model.graph.node if tensor in node.input]


def make_boundary(model: ModelWrapper, side: Any, tensor: str) -> None:
    """Make a float tensor the only one of the graph's inputs or outputs, which `side` is."""
    shape = model.get_tensor_shape(tensor)
    inside = [value for value in model.graph.value_info if value.name == tensor]
    for value in inside:
        model.graph.value_info.remove(value)
    del side[:]
    side.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, shape))


def replace_input(model: ModelWrapper, old: str, new: str) -> None:
    """Let all readers of `old` read `new`."""
    for node in consumers(model, old):
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def data_operands(model: ModelWrapper, node: onnx.NodeProto) -> list[str]:
    """The tensors that a node takes and that are not constant."""
    return [name for name in node.input if name and constant(model, name) is None]


def elementwise_operand(model: ModelWrapper, node: onnx.NodeProto) -> str:
    """The one tensor of an elementwise node that is not constant."""
    dynamic = data_operands(model, node)
    if len(dynamic) != 1:
        raise UserError(
            f"it joins {len(dynamic)} streams of numbers that are not on one integer grid",
            where=describe(node),
            hint="export the model as a chain of layers",
        )
    return dynamic[0]


def add_constant(model: ModelWrapper, stem: str, value: Any) -> str:
    """Give the graph a constant, as float32 unless it is an array; its name is `stem`, with a number if need be."""
    name = fresh_name(model, stem)
    model.set_initializer(name, value if isinstance(value, np.ndarray) else np.float32(value).reshape(()))
    return name


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
