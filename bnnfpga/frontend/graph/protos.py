"""Conversion between the graph and ONNX's protobuf messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import STANDARD_DOMAINS, origin_of

IR_VERSION = 10
"""The version of the file format that came with opset 21, a clean graph's."""


def from_proto(proto: onnx.ModelProto) -> Model:
    """The graph of a file that `modern.modernise` has converted."""
    graph = proto.graph
    opset = next((item.version for item in proto.opset_import if item.domain in STANDARD_DOMAINS), 1)
    model = Model(graph.input[0].name, [value.name for value in graph.output], opset)
    for tensor in graph.initializer:
        model.set_constant(tensor.name, numpy_helper.to_array(tensor))
    for value in graph.input:
        model.set_shape(value.name, [dim.dim_value for dim in value.type.tensor_type.shape.dim])
        model.set_element_type(value.name, value.type.tensor_type.elem_type)
    for node in graph.node:
        values = {item.name: _attribute_value(item) for item in node.attribute}
        model.append(Node(node.op_type, node.input, node.output, node.name, node.domain, values, origin_of(node)))
    return model


def to_proto(model: Model) -> onnx.ModelProto:
    """A graph as an ONNX model, with all known shapes."""
    boundary = {model.input, *model.outputs}
    inside = [name for node in model.nodes for name in node.output if name not in boundary]
    graph = helper.make_graph(
        [node_to_proto(node) for node in model.nodes],
        "net",
        [_value_info(model, model.input)],
        [_value_info(model, name) for name in model.outputs],
        [numpy_helper.from_array(value, name) for name, value in model.constants.items()],
        value_info=[_value_info(model, name) for name in inside if model.has_shape(name)],
    )
    domains = dict.fromkeys(node.domain for node in model.nodes if node.domain)
    imports = [helper.make_opsetid("", model.opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    proto = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
    helper.set_model_props(proto, model.metadata)
    return proto


def node_to_proto(node: Node) -> onnx.NodeProto:
    """A node as an ONNX message."""
    values = {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
    }
    return helper.make_node(node.op_type, node.input, node.output, name=node.name, domain=node.domain or None, **values)


def _value_info(model: Model, tensor: str) -> onnx.ValueInfoProto:
    shape = model.shape(tensor) if model.has_shape(tensor) else None
    return helper.make_tensor_value_info(tensor, model.element_type(tensor) or TensorProto.FLOAT, shape)


def _attribute_value(item: onnx.AttributeProto) -> Any:
    value = helper.get_attribute_value(item)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if item.type == onnx.AttributeProto.STRINGS:
        return [text.decode(errors="replace") for text in value]
    return list(value) if item.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS) else value
