"""Removal of differences between exporters: the first part of cleaning, on the protobuf."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.contract.qonnx_operators import DOMAINS, NAMES
from bnnfpga.frontend.graph.model import Origin
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN, describe, note_origin
from bnnfpga.frontend.reading.against_contract import check_operators, opset_of, version_of
from bnnfpga.frontend.reading.channels_last import between_transposes
from bnnfpga.frontend.reading.inserted import fit_top_k
from bnnfpga.frontend.reading.local_functions import write_out_functions


def normalise(model: onnx.ModelProto) -> dict[str, int]:
    """Bring `model` into one form, in place; returns the version of each node's domain, by the node's name.

    The form has one input, a batch of one, every node named, constants as initializers, QONNX's operators under one
    name in one domain, and no tools' annotations, which might contradict the graph.
    """
    _name_nodes(model)
    _drop_unread(model)
    write_out_functions(model)
    between_transposes(model)
    versions = {node.name: version_of(model, node) for node in model.graph.node}
    _one_name_for_operators(model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    if len(graph.input) != 1:
        raise UserError(
            f"the model has {len(graph.input)} inputs{''.join(f', {shown(value.name)}' for value in graph.input)}; "
            "only one can be compiled",
            where="the model's graph",
            hint="export the model with its images as the only input",
        )
    shape = graph.input[0].type.tensor_type.shape
    if not shape.dim:
        raise UserError("its shape is unknown", where=f"input {graph.input[0].name!r}", hint="export with fixed shapes")
    shape.dim[0].dim_value = 1
    for axis, dim in enumerate(shape.dim):
        if dim.dim_value < 1:
            raise UserError(
                f"axis {axis} has no fixed size",
                where=f"input {graph.input[0].name!r}",
                hint="export with fixed shapes",
            )
    fit_top_k(model, opset_of(model))
    check_operators(model, versions)
    _constants_as_initializers(model)
    # Shapes are inferred again for a batch of one, which stale ones would contradict.
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    del graph.quantization_annotation[:]
    del graph.metadata_props[:]
    return versions


def _one_name_for_operators(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.domain == "ai.onnx":
            node.domain = ""
        if node.op_type in NAMES and node.domain in DOMAINS:
            node.op_type, node.domain = NAMES[node.op_type], QONNX_DOMAIN
    standard = opset_of(model)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", standard))
    model.opset_import.append(onnx.helper.make_opsetid(QONNX_DOMAIN, 1))


def _constants_as_initializers(model: onnx.ModelProto) -> None:
    graph = model.graph
    kept = []
    for node in graph.node:
        if node.op_type != "Constant":
            kept.append(node)
            continue
        if len(node.attribute) != 1:
            raise UserError(
                f"it has {len(node.attribute)} attributes; its numbers are in one",
                where=describe(node),
                hint=EXPORT_AGAIN,
            )
        held = node.attribute[0]
        if held.name == "value":
            tensor = onnx.TensorProto()
            tensor.CopyFrom(held.t)
        else:
            dtype = "float32" if "float" in held.name else "int64"
            tensor = numpy_helper.from_array(np.asarray(onnx.helper.get_attribute_value(held), dtype=dtype))
        tensor.name = node.output[0]
        graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)


def _drop_unread(model: onnx.ModelProto) -> None:
    """Drop nodes that do not lead to an output, whatever they are."""
    graph = model.graph
    read = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if not read.isdisjoint(node.output):
            kept.append(node)
            read.update(filter(None, node.input))
    if read and 0 < len(kept) < len(graph.node):
        del graph.node[:]
        graph.node.extend(reversed(kept))


def _name_nodes(model: onnx.ModelProto) -> None:
    """Rename nodes without a unique name; the file's unique names stay."""
    seen: set[str] = set()
    for index, node in enumerate(model.graph.node):
        name = node.name or f"{node.op_type}_{index}"
        while name in seen:
            name += "_"
        # A note in the file does not count; messages keep to the name in the file.
        note_origin(node, Origin(node.name or name, node.op_type))
        node.name = name
        seen.add(name)
