"""Shapes of a file's tensors, inferred by onnx at the file's own opset."""

from __future__ import annotations

import onnx
from onnx import TensorProto

from bnnfpga.frontend.reading.stand_ins import StandIn, stand_in

_MAX_KEPT = 1024
"""Size up to which constants take part in shape inference: shapes, axes and scales are smaller."""
_MIN_IR = 4
"""From this IR version on, initializers need not be inputs."""

Shape = tuple[int, ...]


def infer_shapes(model: onnx.ModelProto) -> dict[str, Shape]:
    """The known, fixed shapes by tensor.

    Stand-ins replace QONNX's and FINN's operators, which onnx does not know.
    """
    skeleton = onnx.ModelProto()
    skeleton.ir_version = max(model.ir_version, _MIN_IR)
    skeleton.opset_import.extend(item for item in model.opset_import if not item.domain)
    graph = skeleton.graph
    graph.name = "shapes"
    for node in model.graph.node:
        other = stand_in(node) if node.domain else StandIn([node])
        graph.node.extend(other.nodes)
        graph.initializer.extend(other.constants)
    graph.input.extend(model.graph.input)
    graph.output.extend(onnx.ValueInfoProto(name=value.name) for value in model.graph.output)
    shapes: dict[str, Shape] = {}
    for tensor in model.graph.initializer:
        shapes[tensor.name] = tuple(tensor.dims)
        elements = 1
        for extent in tensor.dims:
            elements *= extent
        if elements <= _MAX_KEPT:
            graph.initializer.append(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    try:
        inferred = onnx.shape_inference.infer_shapes(skeleton, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return shapes  # mismatches are refused later, where a shape is missing
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        shape = _fixed(value.type.tensor_type)
        if shape is not None:
            shapes[value.name] = shape
    return shapes


def _fixed(kind: onnx.TypeProto.Tensor) -> Shape | None:
    if not kind.HasField("shape") or kind.elem_type == TensorProto.UNDEFINED:
        return None
    extents = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
    return None if -1 in extents else extents
