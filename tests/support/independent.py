"""The meaning of a file, computed node by node from the file alone.

Standard operators run in ONNX's reference implementation in float64, QONNX's operators follow their specification. The
package itself is not used. Nets compared in this way have numbers that are small multiples of powers of two, so that
the order of sums does not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

Array = NDArray[Any]


def run_file(model: onnx.ModelProto, x: Array) -> Array:
    """The output of a model for images, one at a time, (images, elements)."""
    return np.stack([_run_one(model, image[None].astype(np.float64)).reshape(-1) for image in x])


def _run_one(model: onnx.ModelProto, x: Array) -> Array:
    values: dict[str, Array] = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    values[model.graph.input[0].name] = x
    for node in model.graph.node:
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        inputs = [values[name] if name else None for name in node.input]
        results = [_QONNX[node.op_type](attributes, *inputs)] if node.op_type in _QONNX else _standard(node, inputs)
        values.update(zip(node.output, results, strict=True))
    return values[model.graph.output[0].name]


def _standard(node: onnx.NodeProto, inputs: list[Array | None]) -> list[Array]:
    # The reference drops axes of signals, and is wrong with pads.
    if node.op_type == "GlobalMaxPool" and inputs[0] is not None:
        return [inputs[0].max(axis=tuple(range(2, inputs[0].ndim)), keepdims=True)]
    if node.op_type == "MaxPool" and inputs[0] is not None:
        return [_max_pool(inputs[0], {item.name: list(item.ints) for item in node.attribute})]
    if node.op_type == "ConvTranspose":
        return _by_runtime(node, [value for value in inputs if value is not None])
    feeds = {}
    for name, value in zip(node.input, inputs, strict=True):
        if value is not None:
            feeds[name] = value.astype(np.float64) if value.dtype.kind == "f" and node.op_type != "Resize" else value
    ends = [
        [onnx.helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in names]
        for names in (feeds, node.output)
    ]
    graph = onnx.helper.make_graph([node], "node", *ends)
    alone = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    return [np.asarray(value) for value in ReferenceEvaluator(alone).run(None, feeds)]


def _by_runtime(node: onnx.NodeProto, inputs: list[Array]) -> list[Array]:
    """By onnxruntime in float32: the reference cannot run transposed convolutions with groups or dilations."""
    import onnxruntime

    singles = [value.astype(np.float32) for value in inputs]
    feeds = dict(zip(node.input, singles, strict=True))
    given = [onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in feeds.items()]
    graph = onnx.helper.make_graph([node], "node", given, [onnx.ValueInfoProto(name=node.output[0])])
    alone = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(alone.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, feeds)]


def _max_pool(x: Array, attributes: dict[str, list[int]]) -> Array:
    axes = x.ndim - 2
    pads = attributes.get("pads", [0] * 2 * axes)
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:axes], pads[axes:], strict=True)], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, attributes["kernel_shape"], tuple(range(2, x.ndim)))
    steps = tuple(slice(None, None, step) for step in attributes.get("strides", [1] * axes))
    return windows[(slice(None), slice(None), *steps)].max(axis=tuple(range(x.ndim, x.ndim + axes)))


def _bipolar(_: dict[str, Any], x: Array, scale: Array) -> Array:
    return np.where(x >= 0, 1.0, -1.0) * scale


def _quant(attributes: dict[str, Any], x: Array, scale: Array, zero: Array, bits: Array) -> Array:
    width = int(bits.item())
    low = attributes["narrow"] - 2 ** (width - 1) if attributes["signed"] else 0
    high = 2 ** (width - 1) - 1 if attributes["signed"] else 2**width - 1 - attributes["narrow"]
    return (np.round(np.clip(x / scale + zero, low, high)) - zero) * scale


def _multi_threshold(attributes: dict[str, Any], x: Array, thresholds: Array) -> Array:
    layout = attributes.get("data_layout", b"").decode() or {2: "NC", 3: "NWC", 4: "NCHW"}[x.ndim]
    last = np.moveaxis(x, layout.index("C"), -1)
    count = (last[..., None] >= thresholds).sum(axis=-1)
    return np.moveaxis(count, -1, layout.index("C")) * attributes.get("out_scale", 1.0) + attributes.get(
        "out_bias", 0.0
    )


_QONNX = {"BipolarQuant": _bipolar, "Quant": _quant, "MultiThreshold": _multi_threshold}
