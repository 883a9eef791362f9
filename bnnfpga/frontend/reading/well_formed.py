"""Errors of damaged or hand-made files, found before the file is converted.

The libraries that clean a graph expect a well-formed one: whatever would break them is refused here, by name.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import AttributeProto, numpy_helper

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN, check_opset
from bnnfpga.frontend.graph.nodes import STANDARD_DOMAINS, describe

_GRAPH = "the model's graph"
_HELD_BY = {
    AttributeProto.FLOAT: "f",
    AttributeProto.INT: "i",
    AttributeProto.STRING: "s",
    AttributeProto.TENSOR: "t",
    AttributeProto.FLOATS: "floats",
    AttributeProto.INTS: "ints",
    AttributeProto.STRINGS: "strings",
}
"""The field that holds an attribute's value, by type, for operators without subgraphs."""


def check_well_formed(model: onnx.ModelProto) -> None:
    """Refuse files that are not well-formed ONNX, and unknown IR versions.

    Raises
    ------
    UserError
        If there is an error; the message names the node, tensor or attribute.
    """
    if not 0 < model.ir_version <= onnx.IR_VERSION:
        raise UserError(
            f"its format is IR version {model.ir_version}; versions up to {onnx.IR_VERSION} can be read",
            where="the model",
            hint="export it with an older opset, or install a newer bnnfpga",
        )
    versions = [item.version for item in model.opset_import if item.domain in STANDARD_DOMAINS]
    if not versions and any(node.domain in STANDARD_DOMAINS for node in model.graph.node):
        raise UserError("it does not state the opset of its operators", where="the model", hint=EXPORT_AGAIN)
    for version in versions:
        check_opset(version)
    graph = model.graph
    if not graph.node:
        raise UserError(
            "the model has no nodes", where=_GRAPH, hint="export a trained model, with bnnfpga.export_qonnx"
        )
    # protobuf returns `bytes` for text that is not UTF-8.
    if any(isinstance(text, bytes) for text in _texts(model)):
        raise UserError("a name in it is not text", where=_GRAPH, hint=EXPORT_AGAIN)
    functions = {(item.domain, item.name) for item in model.functions}
    for node in graph.node:
        _check_node(node, called=(node.domain, node.op_type) in functions)
    for value in (*graph.input, *graph.output):
        if not (value.type.HasField("tensor_type") and _is_type(value.type.tensor_type.elem_type)):
            raise UserError(
                "it is not a tensor of a known type", where=f"tensor {shown(value.name)}", hint=EXPORT_AGAIN
            )
    for name, tensor in _tensors(graph):
        if not _is_type(tensor.data_type):
            raise UserError(f"it has the unknown type {tensor.data_type}", where=name, hint=EXPORT_AGAIN)
        try:
            numpy_helper.to_array(tensor)
        except Exception as error:
            raise UserError(f"its numbers cannot be read: {error}", where=name, hint=EXPORT_AGAIN) from error
    if graph.sparse_initializer:
        raise UserError("it has sparse tensors, which are not read", where=_GRAPH, hint="export dense ones")
    _check_wiring(graph)


def _check_node(node: onnx.NodeProto, *, called: bool) -> None:
    # A call of a function may omit any output.
    if not any(node.output) if called else not (node.output and node.output[0]):
        raise UserError("it has no output", where=describe(node), hint=EXPORT_AGAIN)
    seen = set()
    for attribute in node.attribute:
        where = f"{describe(node)}, attribute {shown(attribute.name)}"
        if attribute.name in seen:
            raise UserError("it is listed twice", where=where, hint=EXPORT_AGAIN)
        seen.add(attribute.name)
        if attribute.ref_attr_name:
            raise UserError("it refers to a function's attribute outside a function", where=where, hint=EXPORT_AGAIN)
        if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
            raise UserError(
                "operators with graphs of their own cannot be compiled",
                where=describe(node),
                hint="export the model without If, Loop and Scan",
            )
        held = {field.name for field, _ in attribute.ListFields()} - {"name", "type", "doc_string"}
        # protobuf does not write zeros and empty lists.
        if attribute.type not in _HELD_BY or held - {_HELD_BY[attribute.type]}:
            raise UserError("its value is not of the type that it announces", where=where, hint=EXPORT_AGAIN)


def _check_wiring(graph: onnx.GraphProto) -> None:
    """Refuse tensors that are defined nowhere, twice, or only after they are read."""
    defined = {value.name for value in graph.input}
    constants = set()
    for tensor in graph.initializer:
        if tensor.name in constants:
            raise UserError("two tensors have this name", where=f"tensor {shown(tensor.name)}", hint=EXPORT_AGAIN)
        constants.add(tensor.name)
    defined |= constants
    every = defined | {name for node in graph.node for name in node.output}
    for node in graph.node:
        for name in node.input:
            if not name or name in defined:
                continue
            problem = "is made only by a node behind it" if name in every else "is made by no node"
            raise UserError(
                f"its input {shown(name)} {problem}",
                where=describe(node),
                hint="nodes must be in topological order and form no cycle" if name in every else EXPORT_AGAIN,
            )
        for name in filter(None, node.output):
            if name in defined:
                raise UserError(
                    f"its output {shown(name)} is made elsewhere too", where=describe(node), hint=EXPORT_AGAIN
                )
            defined.add(name)
    seen = set()
    for value in graph.output:
        if value.name in seen:
            raise UserError("it is listed twice", where=f"output {shown(value.name)}", hint=EXPORT_AGAIN)
        seen.add(value.name)
        if value.name not in defined:
            raise UserError("no node makes it", where=f"output {shown(value.name)}", hint=EXPORT_AGAIN)


def _is_type(number: int) -> bool:
    return number in onnx.TensorProto.DataType.values() and number != onnx.TensorProto.UNDEFINED


def _texts(model: onnx.ModelProto) -> Iterator[object]:
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.initializer):
        yield value.name
    for function in model.functions:
        yield from (function.name, function.domain, function.overload, *function.input, *function.output)
        yield from (attribute.name for attribute in function.attribute_proto)
    for node in (*graph.node, *(node for function in model.functions for node in function.node)):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield from (attribute.name, attribute.ref_attr_name)


def _tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every tensor with numbers and what messages call it."""
    for tensor in graph.initializer:
        yield f"tensor {shown(tensor.name)}", tensor
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield describe(node), attribute.t
