"""What a node of the file makes of numbers: values by the libraries, and by kind of operator their terms' size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from bnnfpga.golden.check import elements as elementwise
from bnnfpga.golden.check import sums_of_products as products
from bnnfpga.golden.check.custom import custom_operators
from bnnfpga.golden.check.decisions import along_axis
from bnnfpga.golden.check.libraries import Unknown, attribute, changed, is_standard, run_node
from bnnfpga.golden.check.number import Array, Number, Truths, compact, representable

Operand = Number | Array | None
_MOVED = {
    **dict.fromkeys(
        (
            "DepthToSpace",
            "Dropout",
            "Expand",
            "Flatten",
            "Gather",
            "GatherElements",
            "GatherND",
            "Identity",
            "Pad",
            "Reshape",
            "Resize",
            "Slice",
            "SpaceToDepth",
            "Split",
            "Squeeze",
            "Tile",
            "Transpose",
            "Unsqueeze",
            "Upsample",
        ),
        1,
    ),
    "Concat": None,
}
"""Operators whose outputs are elements of their inputs: of how many, all where it is None."""
_MAX_MOVED = 1 << 24


def evaluate(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """The outputs of a node that decides nothing, None where it has no operand.

    Raises
    ------
    Unknown
        If the check does not know what the node means.
    """
    if (node.op_type, node.domain) in _CUSTOM:
        return _CUSTOM[node.op_type, node.domain](node, operands, opset)
    if not is_standard(node):
        raise Unknown(f"there is no operator of its kind in the domain {node.domain!r}")
    smooth = node.op_type in ("Resize", "Upsample") and not _is_nearest(node)
    if smooth and not _has_one_pixel(operands[0]):
        return [_interpolated(node, operands, opset)]
    if node.op_type == "Gather" and isinstance(operands[1], Number) and isinstance(operands[0], np.ndarray):
        return [_picked(node, operands[0], operands[1])]
    if node.op_type in _MOVED:
        return _moved(node, operands, opset)
    if node.op_type in elementwise.OPERATORS:
        return [elementwise.evaluate(node, operands, opset)]
    if node.op_type in products.OPERATORS:
        return [products.evaluate(node, operands, opset)]
    if node.op_type in _LARGEST:
        return _largest(node, operands, opset)
    if node.op_type in ("Softmax", "LogSoftmax"):
        return [_softmax(node, operands, opset)]
    if node.op_type == "DequantizeLinear":
        return [_dequantised(node, operands)]
    return _of_whole_numbers(node, operands, opset)


def _picked(node: onnx.NodeProto, table: Array, index: Number) -> Number:
    """Rows of a constant by integers of the image; one that it does not have is the nearest that it has."""
    if not np.all(index.exact) or attribute(node, "axis", 0) != 0:
        raise Unknown("where it takes elements from depends on the image")
    places = np.clip(index.value.astype(np.int64), 0, len(table) - 1)
    return Number.of(table[places])


def _dequantised(node: onnx.NodeProto, operands: Sequence[Operand]) -> Number:
    """Integers less a zero point, times a scale."""
    x, scale, zero = (*operands, None)[:3]
    if not isinstance(x, Number) or isinstance(scale, Number) or scale is None or isinstance(zero, Number):
        raise Unknown("its parameters are not constant")
    factor = along_axis(node, scale, len(x.shape))
    addend = np.zeros(()) if zero is None else along_axis(node, zero, len(x.shape))
    value = (x.value.astype(np.float64) - addend) * factor
    return Number(value, (x.size + np.abs(addend)) * factor, compact(x.exact & representable(value)))


def _moved(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Elements of the inputs, moved about: which, is what the node makes of their numbers, counted from 1."""
    count = len(operands) if _MOVED[node.op_type] is None else 1
    pool: list[Number] = []
    given: list[Array | None] = []
    images = next(len(item.value) for item in operands if isinstance(item, Number))
    start = 1
    for index, operand in enumerate(operands):
        if index >= count:
            if isinstance(operand, Number):
                raise Unknown("where it takes elements from depends on the image")
            given.append(operand)
            continue
        assert operand is not None
        number = operand if isinstance(operand, Number) else Number.of(operand[None])
        elements = number.value[0].size
        given.append(np.arange(start, start + elements, dtype=np.float64).reshape(number.shape))
        pool.append(number)
        start += elements
    if start > _MAX_MOVED:
        raise Unknown("it is too large")
    filler = 0.0
    if node.op_type == "Pad" and len(given) > 2 and given[2] is not None:
        filler = float(given[2].item())
        given[2] = np.zeros_like(given[2], dtype=np.float64)
    elif node.op_type == "Pad":
        filler = next((item.f for item in node.attribute if item.name == "value"), 0.0)
        node = changed(node, value=None)
    if node.op_type in ("Resize", "Upsample"):
        # These have no doubles in onnxruntime, and an operand without elements means none.
        given = [None if item is None or not item.size else item for item in given]
        given = [item.astype(np.float32) if item is not None and item.dtype == np.float64 else item for item in given]
    outputs = run_node(node, given, opset)
    outputs = outputs[:1] if node.op_type == "Dropout" else outputs
    return [_taken(pool, filler, output.astype(np.int64), images) for output in outputs]


def _interpolated(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """Weighted sums of neighbours, in float32: how far rounding moves a place grows with the extent of its axis."""
    x = operands[0]
    assert isinstance(x, Number)
    more = [
        item.astype(np.float32) if item is not None and item.dtype.kind == "f" else item
        for item in _constants(operands[1:])
    ]
    more = [None if item is None or not item.size else item for item in more]
    value = np.stack([run_node(node, [image.astype(np.float32), *more], opset)[0] for image in x.value])
    images = tuple(range(1, x.value.ndim))
    largest = np.broadcast_to(x.size, x.value.shape).max(axis=images, keepdims=True)
    a = abs(next((item.f for item in node.attribute if item.name == "cubic_coeff_a"), -0.75))
    largest = largest * (1 + 2 * a) ** 2 * (1 + max(x.shape, default=1) / 8)
    return Number(value.astype(np.float64), np.broadcast_to(largest, value.shape), np.array(False))


def _is_nearest(node: onnx.NodeProto) -> bool:
    return next((item.s for item in node.attribute if item.name == "mode"), b"nearest") == b"nearest"


def _has_one_pixel(operand: Operand) -> bool:
    """Whether an image has nothing to mix."""
    return isinstance(operand, Number) and operand.value[0].size == int(np.prod(operand.shape[:2]))


def _taken(pool: Sequence[Number], filler: float, source: Array, images: int) -> Number:
    """Elements of a pool by their numbers; 0 is the filler."""
    total = sum(number.value[0].size for number in pool)
    if source.size == total and np.array_equal(source.ravel(), np.arange(1, total + 1)) and len(pool) == 1:
        number = pool[0]
        exact = number.exact if number.exact.ndim == 0 else number.exact.reshape(-1, *source.shape)
        return Number(number.value.reshape(-1, *source.shape), number.size.reshape(-1, *source.shape), exact)
    fill = np.array([filler])

    def take(arrays: Sequence[Array], first: Array) -> Array:
        rows = max(len(array) for array in arrays)
        flat = [np.broadcast_to(array.reshape(len(array), -1), (rows, array[0].size)) for array in arrays]
        start = np.broadcast_to(first.astype(flat[0].dtype), (rows, 1))
        return np.concatenate([start, *flat], axis=1)[:, source.ravel()].reshape(rows, *source.shape)

    value = take([number.value for number in pool], fill)
    value = np.broadcast_to(value, (images, *source.shape))
    size = take([np.broadcast_to(number.size, (len(number.size), *number.shape)) for number in pool], np.abs(fill))
    if all(number.exact.ndim == 0 and bool(number.exact) for number in pool):
        return Number(value, size, np.array(True))
    exacts = [number.exact if number.exact.ndim else number.exact.reshape(1) for number in pool]
    whole = [
        np.broadcast_to(
            exact if exact.ndim > 1 else exact.reshape(1, *[1] * len(number.shape)), (len(exact), *number.shape)
        )
        for exact, number in zip(exacts, pool, strict=True)
    ]
    return Number(value, size, compact(take(whole, np.array([True]))))


_LARGEST = {
    "GlobalMaxPool": "GlobalMaxPool",
    "MaxPool": "MaxPool",
    "ReduceMax": "ReduceMax",
    "ReduceMin": "ReduceMax",
}
"""Operators that take one of several elements, and by what operator their sizes' largest is found."""


def _largest(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    x = operands[0]
    assert isinstance(x, Number)
    if x.value.dtype.kind != "f":
        return _of_whole_numbers(node, operands, opset)
    more = _constants(operands[1:])
    sizes = changed(node, _LARGEST[node.op_type])
    del sizes.output[1:]
    plain = changed(node)
    del plain.output[1:]

    def run(which: onnx.NodeProto, array: Array) -> Array:
        if which.op_type == "GlobalMaxPool":  # the reference drops axes of signals
            return np.asarray(array.max(axis=tuple(range(3, array.ndim)), keepdims=True))
        if which.op_type == "MaxPool":
            merged = run_node(which, [array.reshape(-1, *array.shape[2:])], opset)[0]
            return merged.reshape(*array.shape[:2], *merged.shape[1:])
        return np.stack([run_node(which, [image, *more], opset)[0] for image in array])

    def of_exact(exact: Truths) -> Truths:
        if exact.ndim == 0:
            return exact
        return compact(run(sizes, np.broadcast_to(~exact, (len(exact), *x.shape)).astype(np.float64)) == 0)

    whole_size = np.broadcast_to(x.size, (len(x.size), *x.shape))
    return [Number(run(plain, x.value), run(sizes, whole_size), of_exact(x.exact))]


def _softmax(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    x = operands[0]
    assert isinstance(x, Number)
    value = np.stack([run_node(node, [image], opset)[0] for image in x.value])
    # Inputs that are off by e at most make probabilities off by a part of 2 e, and logarithms by 2 e.
    images = tuple(range(1, x.value.ndim))
    largest = np.broadcast_to(x.size, x.value.shape).max(axis=images, keepdims=True)
    size = np.abs(value) * (1 + 2 * largest) if node.op_type == "Softmax" else np.abs(value) + 2 * largest
    return Number(value, size, np.array(False))


def _of_whole_numbers(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Any standard node on integers and truths: image by image, and nothing is rounded."""
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


def _constants(operands: Sequence[Operand]) -> list[Array | None]:
    if any(isinstance(operand, Number) for operand in operands):
        raise Unknown("its parameters are not constant")
    return [operand for operand in operands if not isinstance(operand, Number)]


_CUSTOM = custom_operators(_largest)
