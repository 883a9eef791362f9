"""An independent check of the golden model: the unmodified file, evaluated in plain floats.

The golden model rounds after every float32 operation and runs dot products on integers; a plain run of the same file
sums real numbers. Both must agree except for *rounding ties*: values that lie so close to a quantizer's decision
point that float32 rounding alone decides. Here every node of the file is evaluated in float64, and in float32 with
numpy's own order of summation, with the textbook meaning of its operator. This goes layer by layer: each quantizer's
output is replaced by the golden model's, so that one tie does not hide what follows. Nothing of the golden model's
rewriting is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from bnnfpga.arithmetic import Floats
from bnnfpga.errors import UserError
from bnnfpga.frontend.clean import load
from bnnfpga.frontend.nodes import QUANTIZERS, attribute, describe
from bnnfpga.frontend.read import read_model
from bnnfpga.golden.model import GoldenModel

Doubles = NDArray[np.float64]

_ROUNDINGS = 16
"""Float32 operations between two quantizers that the bound allows for."""
_UNIT = 2.0**-23


@dataclass(frozen=True)
class FloatCheck:
    """What the comparison found, over all quantizers and the output.

    `compared` values; `ties`, those that the float64 or the float32 run decides differently within the bound; and the
    first `error` beyond it (None: none), as a sentence.
    """

    compared: int
    ties: int
    error: str | None


@dataclass(frozen=True)
class _Number:
    """A tensor in float64 and in float32, and the size of its terms, to which rounding is relative."""

    double: Doubles
    single: Floats
    size: Doubles

    @classmethod
    def of(cls, array: NDArray[np.generic]) -> _Number:
        double = np.asarray(array, dtype=np.float64)
        return cls(double, double.astype(np.float32), np.abs(double))

    def each(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> _Number:
        """Move elements about."""
        return _Number(function(self.double), function(self.single), function(self.size))


class _Comparison:
    """Counts what agrees, and keeps the first difference that rounding does not explain."""

    def __init__(self) -> None:
        self.compared = self.ties = 0
        self.error: str | None = None

    def add(self, place: str, differs: NDArray[np.bool_], distance: Doubles, bound: Doubles) -> None:
        """`differs` elements must lie within `bound` of the point where the decision changes, `distance` away."""
        distance, bound = np.broadcast_to(distance, differs.shape), np.broadcast_to(bound, differs.shape)
        beyond = differs & (distance > bound)
        self.compared += differs.size
        self.ties += int((differs & ~beyond).sum())
        if self.error is None and np.any(beyond):
            index = tuple(int(i) for i in np.argwhere(beyond)[0])
            self.error = f"{place}, element {index}: off by {distance[index]:.3g}, rounding explains {bound[index]:.3g}"


def check_against_floats(path: Path, x: Floats) -> FloatCheck:
    """Compare the golden model of a file with plain float runs of it on images, float32 (images, *input shape)."""
    golden = GoldenModel(load(path))
    result = golden.run(x, golden.integer_tensors)
    comparison = _Comparison()
    proto = read_model(path)
    values = {tensor.name: _Number.of(numpy_helper.to_array(tensor)) for tensor in proto.graph.initializer}
    source = next(value.name for value in proto.graph.input if value.name not in values)
    constants = set(values)
    values[source] = _Number.of(x)
    for node in proto.graph.node:
        inputs = [values[name] for name in node.input if name]
        constant = node.op_type == "Shape" or all(name in constants for name in node.input if name)
        if constant:
            constants.add(node.output[0])
        if node.op_type not in QUANTIZERS:
            values[node.output[0]] = _evaluate(node, inputs, constant=constant)
            continue
        grid = _Grid(node, inputs)
        codes = grid.codes(inputs[0].double)
        if not constant:
            given = result.integers[node.output[0]].astype(np.float64)
            bound = _ROUNDINGS * _UNIT * inputs[0].size + grid.rounding
            for other in (codes, grid.codes(inputs[0].single)):
                between = np.maximum(np.abs(other - given) - grid.step, 0) * grid.scale
                comparison.add(describe(node), other != given, grid.distance(inputs[0].double) + between, bound)
            codes = given
        values[node.output[0]] = _Number.of(codes * grid.scale)
    output = values[proto.graph.output[0].name]
    off = np.abs(output.double - result.output)
    bound = _ROUNDINGS * _UNIT * output.size
    comparison.add("output", off > bound, off, bound)
    return FloatCheck(comparison.compared, comparison.ties, comparison.error)


class _Grid:
    """A quantizer's codes (centred) and decision points."""

    def __init__(self, node: onnx.NodeProto, inputs: list[_Number]) -> None:
        self.scale = inputs[1].double
        bits = 1 if node.op_type == "BipolarQuant" else int(inputs[3].double.item())
        signed = node.op_type == "BipolarQuant" or bool(attribute(node, "signed", 1))
        self._bipolar = signed and bits == 1
        self.step = 2.0 if self._bipolar else 1.0
        self.rounding = np.zeros(())
        if self._bipolar:
            return
        narrow = attribute(node, "narrow", 0)
        self._zero_point = inputs[2].double
        self._lo = -(2 ** (bits - 1)) + narrow if signed else 0
        self._hi = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
        self._mode = str(attribute(node, "rounding_mode", "ROUND")).upper()
        # The division by the scale rounds too.
        self.rounding = _UNIT * self.scale * (self._hi - self._lo)

    def _grid_position(self, x: NDArray[Any]) -> NDArray[Any]:
        position: NDArray[Any] = x / self.scale.astype(x.dtype) + self._zero_point.astype(x.dtype)
        clipped: NDArray[Any] = np.clip(position, self._lo, self._hi)
        return clipped

    def codes(self, x: NDArray[Any]) -> Doubles:
        if self._bipolar:
            return np.where(x >= 0, 1.0, -1.0)
        rounding = {"ROUND": np.rint, "FLOOR": np.floor, "CEIL": np.ceil}[self._mode]
        codes: Doubles = rounding(self._grid_position(x)).astype(np.float64) - self._zero_point
        return codes

    def distance(self, x: Doubles) -> Doubles:
        """From the nearest decision point: halfway between codes, or on them."""
        if self._bipolar:
            return np.abs(x)
        position = self._grid_position(x) + (0.5 if self._mode == "ROUND" else 0.0)
        return np.abs(position - np.rint(position)) * self.scale


def _evaluate(node: onnx.NodeProto, inputs: list[_Number], *, constant: bool) -> _Number:
    """One node that is no quantizer."""
    operation = node.op_type
    if operation in _ELEMENTWISE:
        value, size = _ELEMENTWISE[operation]
        return _Number(
            value(*(item.double for item in inputs)),
            value(*(item.single for item in inputs)),
            size(*(item.size for item in inputs)),
        )
    if operation in ("MatMul", "Gemm"):
        return _dot_product(node, inputs)
    if operation == "BatchNormalization":
        return _batch_norm(node, inputs)
    if operation == "Transpose":
        return inputs[0].each(lambda array: array.transpose(attribute(node, "perm", None)))
    if constant:
        return _Number.of(_constant(node, [item.double for item in inputs]))
    # The batch stays the first axis, whatever batch the file was exported with.
    images = len(inputs[0].double)
    if operation == "Reshape":
        return inputs[0].each(lambda array: array.reshape(images, *inputs[1].double[1:].astype(np.int64)))
    if operation == "Flatten":
        return inputs[0].each(lambda array: array.reshape(images, -1))
    raise UserError("it is not part of the float check", where=describe(node))


def _constant(node: onnx.NodeProto, inputs: list[Doubles]) -> NDArray[Any]:
    """Nodes that compute shapes and parameters."""
    operation = node.op_type
    if operation == "Constant":
        return numpy_helper.to_array(next(item.t for item in node.attribute if item.name == "value"))
    if operation == "Shape":
        return np.array([1, *inputs[0].shape[1:]])
    if operation == "Gather":
        return np.take(inputs[0], inputs[1].astype(np.int64), axis=attribute(node, "axis", 0))
    if operation == "Unsqueeze":
        axes = attribute(node, "axes", None)
        return np.expand_dims(inputs[0], tuple(axes if axes is not None else inputs[1].astype(np.int64)))
    if operation == "Concat":
        return np.concatenate(inputs, axis=attribute(node, "axis", 0))
    if operation == "Reshape":
        return inputs[0].reshape(inputs[1].astype(np.int64))
    if operation == "Pow":
        return np.asarray(inputs[0] ** inputs[1])
    raise UserError("it is not part of the float check", where=describe(node))


def _dot_product(node: onnx.NodeProto, inputs: list[_Number]) -> _Number:
    a, b = inputs[0], inputs[1]
    if node.op_type == "Gemm" and attribute(node, "transB", 0):
        b = b.each(np.transpose)
    terms = _Number(a.double @ b.double, a.single @ b.single, a.size @ b.size)
    if len(inputs) < 3:
        return terms
    bias = inputs[2]
    return _Number(terms.double + bias.double, terms.single + bias.single, terms.size + bias.size)


def _batch_norm(node: onnx.NodeProto, inputs: list[_Number]) -> _Number:
    trailing = (1,) * (inputs[0].double.ndim - 2)

    def normalise(*arrays: NDArray[Any]) -> NDArray[Any]:
        x, (scale, bias, mean, variance) = arrays[0], (array.reshape(-1, *trailing) for array in arrays[1:])
        epsilon = x.dtype.type(attribute(node, "epsilon", 1e-5))
        return np.asarray((x - mean) / np.sqrt(variance + epsilon) * scale + bias)

    scale, bias, mean, variance = (item.double.reshape(-1, *trailing) for item in inputs[1:5])
    factor = np.abs(scale) / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    size = (inputs[0].size + np.abs(mean)) * factor + np.abs(bias)
    return _Number(normalise(*(item.double for item in inputs)), normalise(*(item.single for item in inputs)), size)


_ELEMENTWISE: dict[str, tuple[Callable[..., NDArray[Any]], Callable[..., Doubles]]] = {
    "Add": (np.add, np.add),
    "Sub": (np.subtract, np.add),
    "Mul": (np.multiply, np.multiply),
    "Div": (np.divide, np.divide),
    "Relu": (lambda x: np.maximum(x, 0), lambda size: size),
    "Clip": (np.clip, lambda size, lo, hi: size),
}
"""The operation, and what it does to the size of terms."""
