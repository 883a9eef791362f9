"""What differs between exporters, removed: the first part of cleaning, on the bare protobuf."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from bnnfpga.errors import UserError, shown
from bnnfpga.frontend.nodes import QONNX_DOMAIN, describe

_QONNX_DOMAINS = (QONNX_DOMAIN, "onnx.brevitas", "finn.custom_op.general", "qonnx", "")
_QONNX_NAMES = {
    "Quant": "Quant",
    "IntQuant": "Quant",
    "BipolarQuant": "BipolarQuant",
    "BinaryQuant": "BipolarQuant",
    "MultiThreshold": "MultiThreshold",
    "Trunc": "Trunc",
}
"""QONNX' operators by all their names."""
_INTEGERS = [getattr(onnx.TensorProto, f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)]


def normalise(model: onnx.ModelProto) -> None:
    """Bring `model`, in place, into one form.

    One input, a batch of one, every node named, constants as initializers, QONNX' operators under one name in one
    domain, and no annotation of a tool that the graph itself does not bear out.
    """
    _name_nodes(model)
    _one_name_for_operators(model)
    _constants_as_initializers(model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    if len(graph.input) != 1:
        raise UserError(
            f"it has {len(graph.input)} inputs{''.join(f', {shown(value.name)}' for value in graph.input)}; "
            "one can be compiled",
            where="the model's graph",
            hint="export the model with its images as the only input",
        )
    shape = graph.input[0].type.tensor_type.shape
    if not shape.dim:
        raise UserError("its shape is unknown", where=f"input {graph.input[0].name!r}", hint="export with fixed shapes")
    shape.dim[0].dim_value = 1
    _float_input(graph.input[0])
    for axis, dim in enumerate(shape.dim):
        if dim.dim_value < 1:
            raise UserError(
                f"axis {axis} has no fixed size",
                where=f"input {graph.input[0].name!r}",
                hint="export with fixed shapes",
            )
    # Shapes are inferred anew for a batch of one; stale ones would contradict.
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    del graph.quantization_annotation[:]
    del graph.metadata_props[:]


def _float_input(value: onnx.ValueInfoProto) -> None:
    """Integers, which such a model casts to float first, are given as floats."""
    kind = value.type.tensor_type.elem_type
    if kind in _INTEGERS:
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    elif kind != onnx.TensorProto.FLOAT:
        raise UserError(
            f"its elements are {onnx.TensorProto.DataType.Name(kind).lower()}; float and integers can be compiled",
            where=f"input {value.name!r}",
            hint="export the model in float32",
        )


def _one_name_for_operators(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.domain == "ai.onnx":
            node.domain = ""
        if node.op_type in _QONNX_NAMES and node.domain in _QONNX_DOMAINS:
            node.op_type, node.domain = _QONNX_NAMES[node.op_type], QONNX_DOMAIN
    standard = max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=1)
    del model.opset_import[:]
    # qonnx takes the first for the version of the standard operators, and every version of its own for the first.
    model.opset_import.append(onnx.helper.make_opsetid("", standard))
    model.opset_import.append(onnx.helper.make_opsetid(QONNX_DOMAIN, 1))


def _constants_as_initializers(model: onnx.ModelProto) -> None:
    graph = model.graph
    kept = []
    for node in graph.node:
        if node.op_type != "Constant":
            kept.append(node)
            continue
        value = next((item for item in node.attribute if item.name == "value"), None)
        if value is not None:
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value.t)
        else:
            scalar = next(iter(node.attribute), None)
            if scalar is None or scalar.name not in ("value_float", "value_floats", "value_int", "value_ints"):
                raise UserError(
                    "it holds no numbers", where=describe(node), hint="export the model with constants of numbers"
                )
            dtype = "float32" if "float" in scalar.name else "int64"
            tensor = numpy_helper.from_array(np.asarray(onnx.helper.get_attribute_value(scalar), dtype=dtype))
        tensor.name = node.output[0]
        graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)


def _name_nodes(model: onnx.ModelProto) -> None:
    """Give nodes without a name, or with another's, a new one; names of the file stay where they are unique."""
    seen: set[str] = set()
    for index, node in enumerate(model.graph.node):
        name = node.name or f"{node.op_type}_{index}"
        while name in seen:
            name += "_"
        node.name = name
        seen.add(name)
