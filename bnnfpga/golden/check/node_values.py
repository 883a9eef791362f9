"""The outputs of a node of the file: values by the libraries, and the size of their terms by kind of operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from bnnfpga.golden.check import elements as elementwise
from bnnfpga.golden.check import moved_elements as movers
from bnnfpga.golden.check import sums_of_products as products
from bnnfpga.golden.check.custom import custom_operators
from bnnfpga.golden.check.decisions import along_axis
from bnnfpga.golden.check.libraries import Unknown, changed, is_standard, run_node
from bnnfpga.golden.check.moved_elements import constants
from bnnfpga.golden.check.number import Array, Number, Operand, Truths, compact, representable


def evaluate(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """The outputs of a node that does not decide; an operand that is left out is None.

    Raises
    ------
    Unknown
        If the check does not know the meaning of the node.
    """
    if (node.op_type, node.domain) in _CUSTOM:
        return _CUSTOM[node.op_type, node.domain](node, operands, opset)
    if not is_standard(node):
        raise Unknown(f"there is no operator of its kind in the domain {node.domain!r}")
    return _EVALUATIONS.get(node.op_type, _of_whole_numbers)(node, operands, opset)


def _elementwise(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    return [elementwise.evaluate(node, operands, opset)]


def _of_products(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    return [products.evaluate(node, operands, opset)]


def _dequantised(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """DequantizeLinear: (x - zero point) * scale."""
    x, scale, zero = (*operands, None)[:3]
    if not isinstance(x, Number) or isinstance(scale, Number) or scale is None or isinstance(zero, Number):
        raise Unknown("its parameters are not constant")
    factor = along_axis(node, scale, len(x.shape))
    addend = np.zeros(()) if zero is None else along_axis(node, zero, len(x.shape))
    value = (x.value.astype(np.float64) - addend) * factor
    return [Number(value, (x.size + np.abs(addend)) * factor, compact(x.exact & representable(value)))]


_LARGEST = {
    "GlobalMaxPool": "GlobalMaxPool",
    "MaxPool": "MaxPool",
    "ReduceMax": "ReduceMax",
    "ReduceMin": "ReduceMax",
}
"""Operators that select one of several elements, and the operator that finds the largest of the elements' sizes."""


_Run = Callable[[onnx.NodeProto, Array, list[Array | None], int], Array]


def _of_all_pixels(node: onnx.NodeProto, array: Array, more: list[Array | None], opset: int) -> Array:
    """GlobalMaxPool: for signals, the reference would drop an axis."""
    return np.asarray(array.max(axis=tuple(range(3, array.ndim)), keepdims=True))


def _all_at_once(node: onnx.NodeProto, array: Array, more: list[Array | None], opset: int) -> Array:
    merged = run_node(node, [array.reshape(-1, *array.shape[2:])], opset)[0]
    return merged.reshape(*array.shape[:2], *merged.shape[1:])


def _image_by_image(node: onnx.NodeProto, array: Array, more: list[Array | None], opset: int) -> Array:
    return np.stack([run_node(node, [image, *more], opset)[0] for image in array])


_RUNS: dict[str, _Run] = {"GlobalMaxPool": _of_all_pixels, "MaxPool": _all_at_once}


def _largest(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    x = operands[0]
    assert isinstance(x, Number)
    if x.value.dtype.kind != "f":
        return _of_whole_numbers(node, operands, opset)
    more = constants(operands[1:])
    sizes = changed(node, _LARGEST[node.op_type])
    del sizes.output[1:]
    plain = changed(node)
    del plain.output[1:]

    def run(which: onnx.NodeProto, array: Array) -> Array:
        return _RUNS.get(which.op_type, _image_by_image)(which, array, more, opset)

    def of_exact(exact: Truths) -> Truths:
        if exact.ndim == 0:
            return exact
        return compact(run(sizes, np.broadcast_to(~exact, (len(exact), *x.shape)).astype(np.float64)) == 0)

    whole_size = np.broadcast_to(x.size, (len(x.size), *x.shape))
    return [Number(run(plain, x.value), run(sizes, whole_size), of_exact(x.exact))]


def _softmax(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Softmax: an error of at most e in the inputs is a relative error of 2 e in the probabilities."""
    value, largest = _of_scores(node, operands, opset)
    return [Number(value, np.abs(value) * (1 + 2 * largest), np.array(False))]


def _log_softmax(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """LogSoftmax: an error of at most e in the inputs is an error of 2 e in the logarithms."""
    value, largest = _of_scores(node, operands, opset)
    return [Number(value, np.abs(value) + 2 * largest, np.array(False))]


def _of_scores(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> tuple[Array, Array]:
    """A node's output for each image, and the largest size of each image's terms."""
    x = operands[0]
    assert isinstance(x, Number)
    value = np.stack([run_node(node, [image], opset)[0] for image in x.value])
    images = tuple(range(1, x.value.ndim))
    return value, np.broadcast_to(x.size, x.value.shape).max(axis=images, keepdims=True)


def _of_whole_numbers(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Any standard node on integers and booleans, image by image: nothing is rounded."""
    numbers = [item for item in operands if isinstance(item, Number)]
    if any(item.value.dtype.kind == "f" for item in numbers):
        raise Unknown("operators of this kind are not part of the check")
    if not all(np.all(item.exact) for item in numbers):
        raise Unknown("it depends on a decision that rounding may take otherwise")
    results = []
    for image in range(len(numbers[0].value)):
        arrays = [item.value[image] if isinstance(item, Number) else item for item in operands]
        results.append(run_node(node, arrays, opset))
    return [Number.of(np.stack(outputs)) for outputs in zip(*results, strict=True)]


_CUSTOM = custom_operators(_largest)
_EVALUATIONS: dict[str, movers.Evaluator] = {
    **dict.fromkeys(elementwise.OPERATORS, _elementwise),
    **dict.fromkeys(products.OPERATORS, _of_products),
    **dict.fromkeys(_LARGEST, _largest),
    **movers.OPERATORS,
    "DequantizeLinear": _dequantised,
    "LogSoftmax": _log_softmax,
    "Softmax": _softmax,
}
"""Standard operators; the check evaluates all others on integers and booleans only."""
