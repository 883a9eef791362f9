"""What differs between exporters, removed: the first part of cleaning, on the bare protobuf."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import QUANTIZER_DOMAIN, QUANTIZERS, describe

_QUANTIZER_DOMAINS = (QUANTIZER_DOMAIN, "onnx.brevitas", "finn.custom_op.general", "")


def normalise(model: onnx.ModelProto) -> None:
    """Bring `model`, in place, into one form.

    One input and one output, a batch of one, every node named, constants as initializers, quantizers in QONNX' domain.
    """
    _quantizers_in_one_domain(model)
    _constants_as_initializers(model)
    _name_nodes(model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise UserError(
            f"it has {len(graph.input)} inputs and {len(graph.output)} outputs; one of each can be compiled",
            where="the model's graph",
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
    # Shapes are inferred anew for a batch of one; stale ones would contradict.
    del graph.value_info[:]
    if graph.output[0].type.tensor_type.HasField("shape"):
        graph.output[0].type.tensor_type.ClearField("shape")


def _quantizers_in_one_domain(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type in QUANTIZERS and node.domain in _QUANTIZER_DOMAINS:
            node.domain = QUANTIZER_DOMAIN
    if all(opset.domain != QUANTIZER_DOMAIN for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(QUANTIZER_DOMAIN, 1))


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
                raise UserError("it holds no numbers", where=describe(node))
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
