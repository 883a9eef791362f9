"""The textbook meaning of a file's operators, in plain floats: for the float check, and independent of all else here.

Nothing of the frontend's reading or the golden model's steps is used. A tensor is carried in float64, in float32 and
with the size of its terms, to which rounding is relative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from bnnfpga.arithmetic import Floats
from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import attribute, describe

Doubles = NDArray[np.float64]
Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Number:
    """A tensor in float64 and in float32, and the size of its terms."""

    double: Doubles
    single: Floats
    size: Doubles

    @classmethod
    def of(cls, array: NDArray[np.generic]) -> Number:
        double = np.asarray(array, dtype=np.float64)
        return cls(double, double.astype(np.float32), np.abs(double))

    def each(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Number:
        """Move elements about."""
        return Number(function(self.double), function(self.single), function(self.size))


def evaluate(node: onnx.NodeProto, inputs: list[Number]) -> Number:
    """A node on data, the batch in front, that decides nothing.

    Raises
    ------
    UserError
        If the float check does not know the operator.
    """
    kind = node.op_type
    if kind in _ELEMENTWISE:
        value, size = _ELEMENTWISE[kind]
        return Number(
            value(node, [item.double for item in inputs]),
            value(node, [item.single for item in inputs]),
            size(node, [item.size for item in inputs]),
        )
    if kind in ("MatMul", "Gemm"):
        return _dot_product(node, inputs)
    if kind == "BatchNormalization":
        return _batch_norm(node, inputs)
    if kind == "Transpose":
        return inputs[0].each(lambda array: array.transpose(attribute(node, "perm", None)))
    if kind in ("Reshape", "Flatten", "Squeeze", "Unsqueeze"):
        return _layout(node, inputs)
    if kind == "MaxPool":
        return inputs[0].each(lambda array: _max_pool(node, array))
    if kind == "GlobalMaxPool":  # the reference implementation drops axes of signals
        return inputs[0].each(lambda array: array.max(axis=tuple(range(2, array.ndim)), keepdims=True))
    if kind in _STRUCTURAL:
        return _by_reference(node, inputs)
    raise UserError("it is not part of the float check", where=describe(node), hint="leave this check out")


def _by_reference(node: onnx.NodeProto, inputs: list[Number]) -> Number:
    """What sums, selects and averages, by ONNX' own reference implementation; terms of sizes give sizes."""
    names = [name for name in node.input if name]
    data = 2 if node.op_type == "Conv" else len(names) if node.op_type == "Concat" else 1

    def run(choose: Callable[[Number], NDArray[Any]]) -> NDArray[Any]:
        arrays = {name: choose(item) for name, item in zip(names[:data], inputs, strict=False)}
        for name, item in zip(names[data:], inputs[data:], strict=True):
            whole = node.op_type in ("Gather", "Pad") and item.double.size and not np.any(item.double % 1)
            arrays[name] = item.double.astype(np.int64) if whole else item.single
        if node.op_type == "Pad" and len(names) > 2:
            arrays[names[2]] = choose(inputs[2])
        if node.op_type == "Conv" and len(names) > 2:
            arrays[names[2]] = choose(inputs[2])
        return evaluate_constant(node, arrays, _OPSET)

    return Number(run(lambda item: item.double), run(lambda item: item.single), run(lambda item: item.size))


def _max_pool(node: onnx.NodeProto, x: NDArray[Any]) -> NDArray[Any]:
    """Window by window: the reference implementation is wrong where pads and dilations meet."""
    axes = x.ndim - 2
    kernel = attribute(node, "kernel_shape", None)
    strides, dilations = (attribute(node, name, None) or [1] * axes for name in ("strides", "dilations"))
    pads = attribute(node, "pads", None) or [0] * (2 * axes)
    spans = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    made, margins = [], [(0, 0), (0, 0)]
    for extent, first, last, span, stride in zip(x.shape[2:], pads[:axes], pads[axes:], spans, strides, strict=True):
        room = extent + first + last - span
        windows = (-(-room // stride) if attribute(node, "ceil_mode", 0) else room // stride) + 1
        # A window must begin on the image or on the pads before it.
        windows -= (windows - 1) * stride >= extent + first
        made.append(windows)
        margins.append((first, max(last, (windows - 1) * stride + span - extent - first)))
    padded = np.pad(x, margins, constant_values=-np.inf)
    result = np.full((*x.shape[:2], *made), -np.inf, dtype=x.dtype)
    for place in np.ndindex(*made):
        window = tuple(
            slice(at * stride, at * stride + span, dilation)
            for at, stride, span, dilation in zip(place, strides, spans, dilations, strict=True)
        )
        pixels = padded[(slice(None), slice(None), *window)]
        result[(slice(None), slice(None), *place)] = pixels.reshape(*x.shape[:2], -1).max(axis=2)
    return result


def evaluate_constant(node: onnx.NodeProto, inputs: dict[str, NDArray[Any]], opset: int) -> NDArray[Any]:
    """A standard node on constants, by ONNX' own reference implementation."""
    names = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UNDEFINED, None) for name in inputs]
    output = onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.UNDEFINED, None)
    graph = onnx.helper.make_graph([node], "constant", names, [output])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    results: Any = ReferenceEvaluator(model).run([node.output[0]], inputs)
    return np.asarray(results[0])


def _layout(node: onnx.NodeProto, inputs: list[Number]) -> Number:
    # The batch stays the first axis, whatever batch the file was exported with: one image shows the shape.
    images = len(inputs[0].double)
    one = np.empty((1, *inputs[0].double.shape[1:]))
    numbers = [int(number) for number in inputs[1].double.ravel()] if len(inputs) > 1 else []
    if node.op_type == "Flatten":
        shape: tuple[int, ...] = one.reshape(1, -1).shape
    elif node.op_type == "Reshape":
        shape = one.reshape([number or one.shape[axis] for axis, number in enumerate(numbers)]).shape
    else:
        axes = tuple(numbers or attribute(node, "axes", ()))
        shape = (np.squeeze(one, axes) if node.op_type == "Squeeze" else np.expand_dims(one, axes)).shape
    return inputs[0].each(lambda array: array.reshape(images, *shape[1:]))


def _dot_product(node: onnx.NodeProto, inputs: list[Number]) -> Number:
    a, b = inputs[0], inputs[1]
    if node.op_type == "Gemm" and attribute(node, "transB", 0):
        b = b.each(np.transpose)
    terms = Number(a.double @ b.double, a.single @ b.single, a.size @ b.size)
    if node.op_type == "Gemm":
        terms = _scaled(terms, attribute(node, "alpha", 1.0))
    if len(inputs) < 3:
        return terms
    bias = _scaled(inputs[2], attribute(node, "beta", 1.0))
    return Number(terms.double + bias.double, terms.single + bias.single, terms.size + bias.size)


def _scaled(number: Number, factor: float) -> Number:
    return Number(number.double * factor, number.single * np.float32(factor), number.size * abs(factor))


def _batch_norm(node: onnx.NodeProto, inputs: list[Number]) -> Number:
    trailing = (1,) * (inputs[0].double.ndim - 2)

    def normalise(*arrays: NDArray[Any]) -> NDArray[Any]:
        x, (scale, bias, mean, variance) = arrays[0], (array.reshape(-1, *trailing) for array in arrays[1:])
        epsilon = x.dtype.type(attribute(node, "epsilon", 1e-5))
        return np.asarray((x - mean) / np.sqrt(variance + epsilon) * scale + bias)

    scale, bias, mean, variance = (item.double.reshape(-1, *trailing) for item in inputs[1:5])
    factor = np.abs(scale) / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    size = (inputs[0].size + np.abs(mean)) * factor + np.abs(bias)
    return Number(normalise(*(item.double for item in inputs)), normalise(*(item.single for item in inputs)), size)


def _clip(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    bounds: list[Any] = [attribute(node, "min", -np.inf), attribute(node, "max", np.inf)]
    # A bound may be left out, and then its input has no name.
    for index, array in zip([i for i, name in enumerate(node.input) if name][1:], arrays[1:], strict=True):
        bounds[index - 1] = array
    return np.asarray(np.minimum(np.maximum(arrays[0], bounds[0]), bounds[1]), dtype=arrays[0].dtype)


def _leaky(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    slope = arrays[1] if len(arrays) > 1 else arrays[0].dtype.type(attribute(node, "alpha", 0.01))
    return np.where(arrays[0] < 0, slope * arrays[0], arrays[0])


def _hard_sigmoid(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    kind = arrays[0].dtype.type
    alpha, beta = kind(attribute(node, "alpha", 0.2)), kind(attribute(node, "beta", 0.5))
    return np.asarray(np.clip(alpha * arrays[0] + beta, 0, 1))


def _same(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    return arrays[0]


def _larger(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    return np.maximum(arrays[0], arrays[1])


def _where(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    return np.where(arrays[0] != 0, arrays[1], arrays[2])


_OPSET = 17
_STRUCTURAL = (
    "Conv",
    "AveragePool",
    "GlobalAveragePool",
    "Pad",
    "Concat",
    "Gather",
    "Resize",
)
_Function = Callable[[onnx.NodeProto, Arrays], NDArray[Any]]
_ELEMENTWISE: dict[str, tuple[_Function, _Function]] = {
    "Add": (lambda _, x: x[0] + x[1], lambda _, x: x[0] + x[1]),
    "Sub": (lambda _, x: x[0] - x[1], lambda _, x: x[0] + x[1]),
    "Mul": (lambda _, x: x[0] * x[1], lambda _, x: x[0] * x[1]),
    "Div": (lambda _, x: x[0] / x[1], lambda _, x: x[0] / x[1]),
    "Max": (_larger, _larger),
    "Min": (lambda _, x: np.minimum(x[0], x[1]), _larger),
    "Neg": (lambda _, x: -x[0], _same),
    "Relu": (lambda _, x: np.maximum(x[0], 0), _same),
    "LeakyRelu": (_leaky, lambda node, x: x[0] * max(1.0, abs(attribute(node, "alpha", 0.01)))),
    "PRelu": (_leaky, lambda _, x: x[0] * np.maximum(x[1], 1)),
    "HardSigmoid": (_hard_sigmoid, lambda _, x: x[0] + 1),
    "Clip": (_clip, _same),
    "Where": (_where, lambda _, x: np.maximum(x[1], x[2]) + 0 * x[0]),
    "Cast": (_same, _same),
    "Identity": (_same, _same),
    "Dropout": (_same, _same),
}
"""The operation, and what it does to the size of terms."""
