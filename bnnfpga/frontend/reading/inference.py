"""Inference of shapes and element types, with constant folding, in one walk from the input to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.protos import IR_VERSION, node_to_proto
from bnnfpga.frontend.reading.constant_nodes import compute
from bnnfpga.frontend.reading.shapes import infer_shapes
from bnnfpga.frontend.reading.stand_ins import stand_in

_MAX_INFERRED_ELEMENTS = 1 << 16
"""Size up to which constants take part in shape inference: shapes, axes, pads and scales are smaller."""


def infer(model: Model) -> None:
    """Set the shape and type of every tensor and fold standard nodes that read only constants.

    QONNX's operators stay: their meaning is defined in this package, not by a library, and they state the integers of
    weights. A shape that cannot be inferred stays unknown.

    Raises
    ------
    UserError
        If constants cannot be computed.
    """
    for node in model.nodes:
        if node.domain:
            _infer_custom(model, node)
            continue
        _infer_shapes(model, node)
        value = _constant_result(model, node)
        if value is not None:
            model.remove(node)
            model.set_constant(node.output[0], value)


def _infer_custom(model: Model, node: Node) -> None:
    """Infer the output shape of a QONNX or FINN operator from its stand-in."""
    other = stand_in(node_to_proto(node))
    read = {name for item in other.nodes for name in item.input} & {*node.input}
    if not all(map(model.has_shape, read)):
        return
    if other.nodes[0].op_type == "Identity":
        shape: Sequence[int] | None = model.shape(node.input[0])
    else:
        inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, model.shape(name)) for name in read]
        outputs = [onnx.ValueInfoProto(name=node.output[0])]
        graph = helper.make_graph(other.nodes, "node", inputs, outputs, other.constants)
        alone = helper.make_model(graph, opset_imports=[helper.make_opsetid("", model.opset)], ir_version=IR_VERSION)
        shape = infer_shapes(alone).get(node.output[0])
    if shape is not None:
        model.set_shape(node.output[0], shape)
        model.set_element_type(node.output[0], TensorProto.FLOAT)


def _infer_shapes(model: Model, node: Node) -> None:
    types: dict[str, onnx.TypeProto] = {}
    data: dict[str, TensorProto] = {}
    for name in filter(None, node.input):
        if not model.has_shape(name):
            return
        # Tensors that transforms introduce have no type yet: data are floats.
        kind = model.element_type(name) or TensorProto.FLOAT
        types[name] = helper.make_tensor_type_proto(kind, model.shape(name))
        value = model.constant(name)
        if value is not None and value.size <= _MAX_INFERRED_ELEMENTS:
            data[name] = numpy_helper.from_array(value, name)
    for name, type in _output_types(model, node, types, data).items():
        tensor = type.tensor_type
        if not name or not tensor.HasField("shape"):
            continue
        model.set_element_type(name, tensor.elem_type)
        if all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            model.set_shape(name, [dim.dim_value for dim in tensor.shape.dim])


def _output_types(
    model: Model, node: Node, types: dict[str, onnx.TypeProto], data: dict[str, TensorProto]
) -> dict[str, onnx.TypeProto]:
    """The output types that onnx infers for a node; empty if it rejects the node, which the shape check reports."""
    proto, opset = node_to_proto(node), [helper.make_opsetid("", model.opset)]
    try:
        schema = onnx.defs.get_schema(node.op_type, model.opset)
        if not (schema.has_function or schema.has_context_dependent_function):  # type: ignore[attr-defined]
            by_name: dict[str, onnx.TypeProto] = onnx.shape_inference.infer_node_outputs(
                schema, proto, types, data, opset_imports=opset, ir_version=IR_VERSION
            )
            return by_name
        # Operators defined by other operators are inferred through those, in a model of their own.
        inputs = [helper.make_value_info(name, type) for name, type in types.items() if name not in data]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = helper.make_graph([proto], "node", inputs, outputs, list(data.values()))
        alone = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
        inferred = onnx.shape_inference.infer_shapes(alone, check_type=True, strict_mode=True, data_prop=True)
        return {value.name: value.type for value in inferred.graph.output}
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, onnx.defs.SchemaError):
        return {}


def _constant_result(model: Model, node: Node) -> NDArray[Any] | None:
    """The value of a node's only output; None if it is not constant."""
    if not node.input or any(node.output[1:]):
        return None
    inputs = {name: model.constant(name) for name in node.input if name}
    constants = {name: value for name, value in inputs.items() if value is not None}
    return compute(node_to_proto(node), constants, model.opset)[0] if len(constants) == len(inputs) else None
