"""Nodes that compute constants from constants, computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_shapes import InferShapes

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import attribute, constant, describe

_MOST_ELEMENTS = 1 << 28
_QUIET = 4
"""onnxruntime's log level at which it prints nothing: what it says is in the exception too."""


class FoldConstants(Transformation):  # type: ignore[misc]
    """The outputs of nodes that read constants alone, and of every Shape, become constants.

    QONNX' operators stay: what they mean is decided here, not by qonnx, and they say what the integers of weights are.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        folded = [node for node in model.graph.node if _fold(model, node)]
        for node in folded:
            model.graph.node.remove(node)
        return (model.transform(InferShapes(), make_deepcopy=False) if folded else model), bool(folded)


def _fold(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    """Make a node's output a constant; False where it is none, or the node has a meaning beyond its numbers."""
    if node.domain or not node.input or any(node.output[1:]):
        return False
    if node.op_type == "Shape":
        shape = model.get_tensor_shape(node.input[0])
        if shape is None or not all(shape):
            return False
        last = attribute(node, "end", None)
        value = np.array(shape[attribute(node, "start", 0) : last], dtype=np.int64)
    else:
        inputs = {name: constant(model, name) for name in node.input if name}
        given = {name: value for name, value in inputs.items() if value is not None}
        if len(given) < len(inputs):
            return False
        value = _evaluate(model, node, given)
    model.set_initializer(node.output[0], value)
    return True


def _evaluate(model: ModelWrapper, node: onnx.NodeProto, inputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
    result = node.output[0]
    elements = math.prod(model.get_tensor_shape(result) or [1])
    if node.op_type == "Range" and len(inputs) == 3:
        start, limit, delta = (float(value.ravel()[0]) for value in inputs.values())
        elements = max(elements, int(min(abs(limit - start) / max(abs(delta), 1e-30), 1e30)))
    if elements > _MOST_ELEMENTS:
        raise UserError(
            f"it makes a constant of {elements:,} elements; up to {_MOST_ELEMENTS:,} can be compiled",
            where=describe(node),
            hint="export a smaller model",
        )
    try:
        return _run(model, node, inputs)
    except Exception as error:  # whatever the libraries find wrong with the numbers of the file
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"it cannot be computed from its constants: {said[0]}",
            where=describe(node),
            hint="the file is damaged or was made by hand; export the model again",
        ) from error


def _run(model: ModelWrapper, node: onnx.NodeProto, inputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """A standard node on its own, in onnxruntime."""
    graph = onnx.helper.make_graph(
        [node],
        "constant",
        [],
        [onnx.ValueInfoProto(name=node.output[0])],
        [numpy_helper.from_array(value, name) for name, value in inputs.items()],
    )
    version = onnx.helper.make_opsetid("", model.model.opset_import[0].version)
    alone = onnx.helper.make_model(graph, opset_imports=[version], ir_version=model.model.ir_version)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(alone.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {})[0])
