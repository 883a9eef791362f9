"""Operators whose outputs are elements of their inputs, or weighted sums of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from bnnfpga.golden.check.libraries import Unknown, attribute, changed, run_node
from bnnfpga.golden.check.number import Array, Number, Operand, compact

Evaluator = Callable[[onnx.NodeProto, Sequence[Operand], int], list[Number]]
"""A function from a node, its operands and its opset to the node's outputs."""
_MAX_MOVED = 1 << 24


def constants(operands: Sequence[Operand]) -> list[Array | None]:
    """The operands, none of which may depend on the image."""
    if any(isinstance(operand, Number) for operand in operands):
        raise Unknown("its parameters are not constant")
    return [operand for operand in operands if not isinstance(operand, Number)]


def _gathered(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    if isinstance(operands[1], Number) and isinstance(operands[0], np.ndarray):
        return [_picked(node, operands[0], operands[1])]
    return _moved(node, operands, opset)


def _picked(node: onnx.NodeProto, table: Array, index: Number) -> Number:
    """Rows of a constant by integers of the image; indices out of range are clipped."""
    if not np.all(index.exact) or attribute(node, "axis", 0) != 0:
        raise Unknown("where it takes elements from depends on the image")
    places = np.clip(index.value.astype(np.int64), 0, len(table) - 1)
    return Number.of(table[places])


def _moved(
    node: onnx.NodeProto,
    operands: Sequence[Operand],
    opset: int,
    count: int = 1,
    filler: float = 0.0,
    kind: type[np.floating] = np.float64,
) -> list[Number]:
    """Elements of the first `count` inputs, rearranged: their source is found by running the node on indices.

    The indices count all these elements from 1 on, as floats of a `kind`; 0 in the result stands for the `filler`.
    """
    pool: list[Number] = []
    arrays: list[Array | None] = []
    images = next(len(item.value) for item in operands if isinstance(item, Number))
    start = 1
    for index, operand in enumerate(operands):
        if index >= count:
            if isinstance(operand, Number):
                raise Unknown("where it takes elements from depends on the image")
            arrays.append(operand)
            continue
        assert operand is not None
        number = operand if isinstance(operand, Number) else Number.of(operand[None])
        elements = number.value[0].size
        arrays.append(np.arange(start, start + elements, dtype=kind).reshape(number.shape))
        pool.append(number)
        start += elements
    if start > _MAX_MOVED:
        raise Unknown("it is too large")
    outputs = run_node(node, arrays, opset)
    return [_rearranged(pool, filler, output.astype(np.int64), images) for output in outputs]


def _concatenated(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    return _moved(node, operands, opset, count=len(operands))


def _dropped(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Dropout's first output; the mask is not part of the check."""
    return _moved(node, operands, opset)[:1]


def _padded(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    value = operands[2] if len(operands) > 2 else None
    if value is None:
        filler = next((item.f for item in node.attribute if item.name == "value"), 0.0)
        return _moved(changed(node, value=None), operands, opset, filler=filler)
    if isinstance(value, Number):
        return _moved(node, operands, opset)
    others = [*operands[:2], np.zeros_like(value, dtype=np.float64), *operands[3:]]
    return _moved(node, others, opset, filler=float(value.item()))


def _resized(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Resize, in single precision as onnxruntime has no other; an operand without elements counts as left out."""
    if not _is_nearest(node) and not _has_one_pixel(operands[0]):
        return [_interpolated(node, operands, opset)]
    others = [item if isinstance(item, Number) else _single(item) for item in operands[1:]]
    return _moved(node, [operands[0], *others], opset, kind=np.float32)


def _single(array: Array | None) -> Array | None:
    if array is None or not array.size:
        return None
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _interpolated(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """Weighted sums of neighbours, in float32: the rounding error of a position grows with the extent of its axis."""
    x = operands[0]
    assert isinstance(x, Number)
    more = [
        item.astype(np.float32) if item is not None and item.dtype.kind == "f" else item
        for item in constants(operands[1:])
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
    """Whether images have a single pixel, so that there is nothing to interpolate."""
    return isinstance(operand, Number) and operand.value[0].size == int(np.prod(operand.shape[:2]))


def _rearranged(pool: Sequence[Number], filler: float, source: Array, images: int) -> Number:
    """Elements of a pool by their indices from 1 on; 0 is the filler."""
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


OPERATORS: dict[str, Evaluator] = {
    **dict.fromkeys(
        (
            *("DepthToSpace", "Expand", "Flatten", "GatherElements", "GatherND", "Identity", "Reshape", "Slice"),
            *("SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
        ),
        _moved,
    ),
    "Concat": _concatenated,
    "Dropout": _dropped,
    "Gather": _gathered,
    "Pad": _padded,
    "Resize": _resized,
    "Upsample": _resized,
}
