"""What a damaged or hand-made file gets wrong, found before anything is made of it.

The libraries that clean a graph expect a well-formed one: what they would stumble over is refused here, by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import (
    BROADCASTING,
    LAYOUT_OPS,
    QONNX_DOMAIN,
    WEIGHT_QUANTIZERS,
    constant,
    describe,
)

_QONNX_OPERATORS = (*WEIGHT_QUANTIZERS, "MultiThreshold", "Trunc")
_MOST_INPUTS = 1 << 24
"""Elements of an input, far above any accelerator's: more is a damaged shape, for which memory would be reserved."""
_EXPORT_AGAIN = "the file is damaged or was made by hand; export the model again"


def check_file(model: onnx.ModelProto) -> None:
    """Refuse texts that are none, and tensors whose numbers are not those that they announce."""
    # protobuf gives `bytes` for what is not UTF-8.
    if any(isinstance(text, bytes) for text in _texts(model.graph)):
        raise UserError("a name in it is no text", where="the model's graph", hint=_EXPORT_AGAIN)
    for name, tensor in _tensors(model.graph):
        try:
            numpy_helper.to_array(tensor)
        except Exception as error:
            raise UserError(f"its numbers cannot be read: {error}", where=name, hint=_EXPORT_AGAIN) from error


def check_graph(model: onnx.ModelProto) -> None:
    """Refuse what is not ONNX with QONNX' quantizers."""
    for node in model.graph.node:
        known = node.op_type in _QONNX_OPERATORS if node.domain == QONNX_DOMAIN else not node.domain
        # qonnx would import the Python module that a foreign domain names.
        if not known or (not node.domain and not onnx.defs.has(node.op_type)):
            raise UserError(
                f"there is no operator {node.op_type!r} in {f'the domain {node.domain!r}' if node.domain else 'ONNX'}",
                where=f"node {node.name!r}",
                hint="export the model with ONNX operators and QONNX quantizers (bnnfpga.export_qonnx does)",
            )
    for value in model.graph.input:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if math.prod(shape) > _MOST_INPUTS:
            raise UserError(
                f"its shape {tuple(shape)} has {math.prod(shape):,} elements; {_MOST_INPUTS:,} can be compiled",
                where=f"input {value.name!r}",
                hint="export the model with the shape of one image",
            )
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.output:
        value.type.tensor_type.shape.SetInParent()  # it is inferred, but the checker wants one
    try:
        onnx.checker.check_model(copy)
    except (onnx.checker.ValidationError, ValueError) as error:
        said = next(iter(str(error).strip().splitlines()), "")
        raise UserError(f"it is not valid ONNX: {said}", where="the model's graph", hint=_EXPORT_AGAIN) from error


def check_shapes(model: ModelWrapper) -> None:
    """Refuse nodes whose shapes are unknown, empty, or do not fit together."""
    for node in model.graph.node:
        taken = [model.get_tensor_shape(name) for name in node.input if name]
        shape = model.get_tensor_shape(node.output[0])
        listed = " and ".join(str(tuple(extents)) for extents in taken if extents is not None)
        if not shape:
            if None in taken or not taken:
                raise UserError(
                    "its output shape does not fold to a constant",
                    where=describe(node),
                    hint="export the model with fixed shapes",
                )
            raise UserError(f"it does not work on inputs of shapes {listed}", where=describe(node))
        if 0 in shape:
            raise UserError(f"its output of shape {tuple(shape)} has no elements", where=describe(node))
        if node.op_type in LAYOUT_OPS and math.prod(taken[0]) != math.prod(shape):
            raise UserError(
                f"it makes {math.prod(shape)} elements of {math.prod(taken[0])}",
                where=describe(node),
                hint="export the model for a batch of one",
            )
        if node.op_type in (*BROADCASTING, *WEIGHT_QUANTIZERS) and not _keeps_shape(model, node, shape):
            raise UserError(f"it does not work element by element on shapes {listed}", where=describe(node))


def _keeps_shape(model: ModelWrapper, node: onnx.NodeProto, shape: list[int]) -> bool:
    """Whether all data have the output's shape, and all constants stretch to it."""
    for index, name in enumerate(node.input):
        value = constant(model, name)
        if value is None:
            if name and model.get_tensor_shape(name) != shape:
                return False
        elif index or node.op_type not in WEIGHT_QUANTIZERS:
            try:
                np.broadcast_to(value, shape)
            except ValueError:
                return False
    return True


def _texts(graph: onnx.GraphProto) -> Iterator[object]:
    for value in (*graph.input, *graph.output, *graph.initializer):
        yield value.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every tensor of numbers, and what to call it."""
    for tensor in graph.initializer:
        yield f"tensor {tensor.name!r}", tensor
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield describe(node), attribute.t
