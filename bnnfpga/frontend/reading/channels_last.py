"""QONNX's and FINN's channels-last operators, converted to channels-first ones between Transposes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.qonnx_operators import DOMAINS
from bnnfpga.frontend.graph.nodes import attribute, describe, note_origin, origin_of

_DOMAIN = "qonnx.custom_op.channels_last"
_MAX_POOL = "MaxPoolNHWC"
_OF_FINN = (_MAX_POOL, "Im2Col", "QuantAvgPool2d")
"""FINN's operators in the general domains; they have two spatial axes."""
_AXES = (1, 2)
"""Possible numbers of spatial axes."""


def between_transposes(model: onnx.ModelProto) -> None:
    """Put the operators of QONNX's domain `channels_last` and FINN's between Transposes, in place.

    Weights of a Conv are (outputs, ...kernel, inputs) there. Operators that are then standard ones become those.

    Raises
    ------
    UserError
        If one of them does not state the number of its axes.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and (value := attribute(node, "value", None)) is not None:
            constants[node.output[0]] = value
    nodes = list(model.graph.node)
    names = {node.name for node in nodes} | {name for node in nodes for name in (*node.input, *node.output)}
    converted: list[onnx.NodeProto] = []
    for node in nodes:
        if _is_finns(node) or (node.domain == _DOMAIN and node.op_type in ("Conv", "MaxPool")):
            converted += (note_origin(new, origin_of(node)) for new in _between_transposes(node, names))
        elif node.domain == _DOMAIN and node.op_type == "BatchNormalization":
            converted += (note_origin(new, origin_of(node)) for new in _arithmetic(model, node, constants, names))
        else:
            converted.append(node)
    if len(converted) > len(nodes) or any(old is not new for old, new in zip(nodes, converted, strict=False)):
        del model.graph.node[:]
        model.graph.node.extend(converted)


def _is_finns(node: onnx.NodeProto) -> bool:
    first = node.op_type == "QuantAvgPool2d" and attribute(node, "data_layout", "NCHW") != "NHWC"
    return node.op_type in _OF_FINN and node.domain in DOMAINS and bool(node.input) and not first


def _between_transposes(node: onnx.NodeProto, names: set[str]) -> Iterator[onnx.NodeProto]:
    axes = 2 if node.op_type in _OF_FINN else len(attribute(node, "kernel_shape", None) or ())
    if axes not in _AXES:
        raise UserError(
            "its kernel_shape has neither one nor two axes", where=describe(node), hint="export the model again"
        )
    first, last = [0, axes + 1, *range(1, axes + 1)], [0, *range(2, axes + 2), 1]
    plain = onnx.NodeProto()
    plain.CopyFrom(node)
    if node.op_type in ("Conv", "MaxPool", _MAX_POOL):
        plain.domain, plain.op_type = "", "MaxPool" if node.op_type == _MAX_POOL else node.op_type
    for item in plain.attribute:
        if item.name == "data_layout":
            item.s = b"NCHW"
    for index in range(2 if node.op_type == "Conv" else 1):
        name = _fresh(f"{node.name}_{'weights' if index else 'input'}", names)
        yield onnx.helper.make_node("Transpose", [node.input[index]], [name], name=name, perm=first)
        plain.input[index] = name
    plain.output[0] = _fresh(f"{node.name}_output", names)
    yield plain
    back = _fresh(f"{node.name}_back", names)
    yield onnx.helper.make_node("Transpose", [plain.output[0]], [node.output[0]], name=back, perm=last)


def _arithmetic(
    model: onnx.ModelProto, node: onnx.NodeProto, constants: dict[str, onnx.TensorProto], names: set[str]
) -> Iterator[onnx.NodeProto]:
    """A batch norm as its float operations, whose constants broadcast along the last axis."""
    if len(node.input) < 5 or any(name not in constants for name in node.input[1:5]):
        raise UserError(
            "its parameters are not constant", where=describe(node), hint="export the trained model in eval mode"
        )
    scale, bias, mean, variance = (
        numpy_helper.to_array(constants[name]).astype(np.float32) for name in node.input[1:5]
    )
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance + np.float32(attribute(node, "epsilon", 1e-5)))
    if not np.all(np.isfinite(deviation) & (deviation > 0)):
        raise UserError("its variance is not positive", where=describe(node), hint="train or export it again")
    tensor = node.input[0]
    for operation, value in (("Sub", mean), ("Div", deviation), ("Mul", scale), ("Add", bias)):
        operand = _fresh(f"{node.name}_{operation.lower()}", names)
        model.graph.initializer.append(numpy_helper.from_array(value, operand))
        result = node.output[0] if operation == "Add" else _fresh(f"{node.name}_made", names)
        yield onnx.helper.make_node(operation, [tensor, operand], [result], name=f"{operand}_node")
        tensor = result


def _fresh(stem: str, names: set[str]) -> str:
    name, number = stem, 0
    while name in names:
        number += 1
        name = f"{stem}_{number}"
    names.add(name)
    return name
