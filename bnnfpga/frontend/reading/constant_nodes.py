"""Folding of nodes that read only constants, by onnxruntime at the file's opset."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.contract.refused_operators import RANDOM
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.contract.terms import OLDEST
from bnnfpga.frontend.forms.function_nodes import function_of
from bnnfpga.frontend.graph.nodes import attribute, describe
from bnnfpga.frontend.reading.shapes import Shape, infer_shapes
from bnnfpga.numbers.float_functions import rounded_once

_MAX_ELEMENTS = 1 << 28
_QUIET = 4
"""onnxruntime's log level at which it prints nothing; exceptions carry its messages."""
_IR = 8
"""An IR version that allows every opset and initializers that are not inputs."""


def fold_constant_nodes(model: onnx.ModelProto) -> dict[str, Shape]:
    """Fold nodes that read only constants, and every Shape, in place; returns the shapes of all tensors.

    QONNX's operators stay: their meaning is defined in this package, not by qonnx, and they state the integers of
    weights.

    Raises
    ------
    UserError
        If a node cannot be computed or its result is too large.
    """
    version = next(item.version for item in model.opset_import if not item.domain)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    while True:
        shapes = infer_shapes(model)
        kept = [node for node in model.graph.node if not _fold(model, node, version, values, shapes)]
        if len(kept) == len(model.graph.node):
            return shapes
        # A shape that has become a constant may determine further shapes.
        del model.graph.node[:]
        model.graph.node.extend(kept)


def _elements_of_range(start: NDArray[Any], limit: NDArray[Any], delta: NDArray[Any]) -> int:
    distance, step = abs(float(limit[0]) - float(start[0])), abs(float(delta[0]))
    return int(min(distance / max(step, 1e-30), 1e30))


_COUNTS: dict[str, Callable[..., int]] = {
    "ConstantOfShape": lambda shape: math.prod(map(int, shape)),
    "Range": _elements_of_range,
}
"""The size of the result of operators whose output shape depends on the values of their inputs."""


def _fold(
    model: onnx.ModelProto,
    node: onnx.NodeProto,
    version: int,
    values: dict[str, NDArray[Any]],
    shapes: Mapping[str, Shape],
) -> bool:
    """Replace a node's outputs by constants; False if they are not constant."""
    read = list(filter(None, node.input))
    if node.domain or not read or node.op_type in RANDOM:
        return False
    if node.op_type == "Shape":
        shape = shapes.get(read[0])
        if shape is None or not all(shape):
            return False
        results = [np.array(shape[attribute(node, "start", 0) : attribute(node, "end", None)], dtype=np.int64)]
    elif all(name in values for name in read):
        elements = max(math.prod(shapes.get(name, ())) for name in node.output)
        if node.op_type in _COUNTS:
            elements = max(elements, _COUNTS[node.op_type](*(values[name].ravel() for name in read)))
        if elements > _MAX_ELEMENTS:
            raise UserError(
                f"it makes a constant of {elements:,} elements; at most {_MAX_ELEMENTS:,} can be compiled",
                where=describe(node),
                hint="export a smaller model",
            )
        results = compute(node, {name: values[name] for name in read}, version)
    else:
        return False
    for name, value in zip(filter(None, node.output), results, strict=True):
        values[name] = value
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return True


def compute(node: onnx.NodeProto, inputs: Mapping[str, NDArray[Any]], version: int) -> list[NDArray[Any]]:
    """Compute the named outputs of a standard node, at an opset, from constants.

    Functions of float32 have the same definition here as on data that depends on the image.

    Raises
    ------
    UserError
        If onnxruntime cannot compute it.
    """
    if traits_of(node).rounded_once and not node.domain:
        x, *more = (inputs[name] for name in node.input)
        if x.dtype == np.float32 and all(item.dtype == np.float32 for item in more):
            name, numbers = function_of(node)
            return [rounded_once(name, x, [*numbers, *more])]
    graph = onnx.helper.make_graph(
        [node],
        "constant",
        [],
        [onnx.ValueInfoProto(name=name) for name in filter(None, node.output)],
        [numpy_helper.from_array(value, name) for name, value in inputs.items()],
    )
    # The opset of its latest schema change: onnxruntime may not yet know the file's own.
    since = max(OLDEST, onnx.defs.get_schema(node.op_type, version).since_version)
    alone = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", since)], ir_version=_IR)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(alone.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return [np.asarray(value) for value in session.run(None, {})]
    except Exception as error:  # whatever the libraries find wrong with the file's numbers
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"it cannot be computed from its constants: {said[0]}", where=describe(node), hint=EXPORT_AGAIN
        ) from error
