"""Operators that sum, mostly products: their values, the size of their terms, and where no sum is rounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from bnnfpga.golden.check.libraries import Unknown, attribute, changed, run_node
from bnnfpga.golden.check.number import (
    EXACT_INTEGERS,
    ROUNDING,
    Array,
    Doubles,
    Number,
    Operand,
    Truths,
    compact,
    granule,
    representable,
)
from bnnfpga.golden.check.spread_kernels import run_transposed

_MAX_SIZES = 1024
"""The most different magnitudes of weights for which they may be the rounded numbers of a grid."""


def evaluate(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """The output of a node of one of `OPERATORS`."""
    return OPERATORS[node.op_type](node, operands, opset)


def _product(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """MatMul, Gemm, Conv and ConvTranspose; image by image if the images cannot be merged into their batch axis."""
    if node.op_type in ("Conv", "ConvTranspose"):
        node = _with_pads(node, operands)
    # For sizes, and for values that float32 computes exactly, single precision is as good and twice as fast.
    sizes = [_sizes(item) for item in operands]
    size = _run_all(_positive(node), sizes, _dependent(operands), opset).astype(np.float64)
    exact = _exact(node, operands, size)
    kind = np.float32 if np.all(exact) else np.float64
    values = [_values(item, kind) for item in operands]
    value = _run_all(node, values, _dependent(operands), opset).astype(np.float64)
    return Number(value, size, exact)


def _exact(node: onnx.NodeProto, operands: Sequence[Operand], size: Doubles) -> Truths:
    """Whether float32 holds every partial sum in any order: all are multiples of a power of two, and none is large."""
    if node.op_type == "Gemm" and (attribute(node, "alpha", 1.0) != 1 or attribute(node, "beta", 1.0) != 1):
        return np.array(False)
    granules = []
    for operand in operands:
        if operand is None:
            continue
        number = operand if isinstance(operand, Number) else Number.of(operand[None])
        if not np.all(number.exact) or (not isinstance(operand, Number) and _slack(operand)):
            return np.array(False)
        granules.append(granule(number.value))
    common = min(granules[0] * granules[1], *granules[2:]) if len(granules) > 2 else granules[0] * granules[1]
    return compact(size <= EXACT_INTEGERS * common) if np.isfinite(common) else np.array(bool(np.all(size == 0)))


def _values(operand: Operand, kind: type[np.floating]) -> Array | None:
    array = operand.value if isinstance(operand, Number) else operand
    return None if array is None else array.astype(kind)


def _sizes(operand: Operand) -> Array | None:
    if isinstance(operand, Number):
        return np.broadcast_to(operand.size, (len(operand.size), *operand.shape)).astype(np.float32)
    return None if operand is None else np.abs(operand.astype(np.float32)) + _slack(operand) / np.float32(ROUNDING)


def _slack(array: Array) -> np.float32:
    """The error of weights that lie nearly on a grid, but farther off than the rounding of one product explains.

    Other readers take them to be on it: 2 units in the last place of the largest, for a grid of at most 128 steps.
    """
    sizes = np.unique(np.abs(array.astype(np.float64)))
    sizes = sizes[sizes > 0]
    if not 1 < sizes.size <= _MAX_SIZES:
        return np.float32(0)
    slack = np.float32(2 * np.spacing(np.float32(sizes[-1])))
    for parts in range(1, 129):
        unit = sizes[-1] / parts
        off = np.abs(np.rint(sizes / unit) * unit - sizes)
        if np.all(off <= slack):
            return slack if np.any(off > np.spacing(sizes.astype(np.float32))) else np.float32(0)
    return np.float32(0)


def _dependent(operands: Sequence[Operand]) -> list[bool]:
    return [isinstance(item, Number) for item in operands]


def _positive(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node for sizes, without negative factors."""
    factors = {name: abs(attribute(node, name, 1.0)) for name in ("alpha", "beta")} if node.op_type == "Gemm" else {}
    return changed(node, **factors)


def _run_all(node: onnx.NodeProto, arrays: list[Array | None], dependent: list[bool], opset: int) -> Array:
    """Run a node for all images; arrays that depend on the image have an axis of images in front."""
    first, second = arrays[0], arrays[1]
    assert first is not None
    assert second is not None
    run = run_transposed if node.op_type == "ConvTranspose" else run_node
    alone = dependent[0] and not any(dependent[1:])
    if alone and node.op_type == "MatMul" and second.ndim == 2:
        return np.asarray((first.reshape(-1, first.shape[-1]) @ second).reshape(*first.shape[:-1], -1))
    rows = node.op_type == "Gemm" and not attribute(node, "transA", 0) and (len(arrays) < 3 or _for_each_row(arrays[2]))
    if alone and (node.op_type in ("Conv", "ConvTranspose") or rows):
        merged = run(node, [first.reshape(-1, *first.shape[2:]), *arrays[1:]], opset)[0]
        return merged.reshape(*first.shape[:2], *merged.shape[1:])
    images = max(len(array) for array, depends in zip(arrays, dependent, strict=True) if depends and array is not None)
    results = []
    for image in range(images):
        operands = [
            array[image % len(array)] if depends and array is not None else array
            for array, depends in zip(arrays, dependent, strict=True)
        ]
        results.append(run(node, operands, opset)[0])
    return np.stack(results)


def _for_each_row(bias: Array | None) -> bool:
    return bias is None or bias.ndim < 2 or len(bias) == 1


def _with_pads(node: onnx.NodeProto, operands: Sequence[Operand]) -> onnx.NodeProto:
    """The node with explicit pads instead of `auto_pad`, for which the reference computes others."""
    kind = attribute(node, "auto_pad", "NOTSET")
    if kind == "NOTSET":
        return node
    if node.op_type == "ConvTranspose":
        raise Unknown(f"its pads are {kind}")
    x, weights = operands[0], operands[1]
    extents = (x.shape if isinstance(x, Number) else x.shape if x is not None else ())[2:]
    kernel = weights.shape[2:] if weights is not None else ()
    strides, dilations = (attribute(node, name, [1] * len(extents)) for name in ("strides", "dilations"))
    before, after = [], []
    for extent, size, stride, dilation in zip(extents, kernel, strides, dilations, strict=True):
        needed = max(0, (-(-extent // stride) - 1) * stride + dilation * (size - 1) + 1 - extent)
        needed = 0 if kind == "VALID" else needed
        smaller = needed // 2
        before.append(needed - smaller if kind == "SAME_LOWER" else smaller)
        after.append(needed - before[-1])
    return changed(node, auto_pad=None, pads=[*before, *after])


def _reduction(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """Sums and means over axes, image by image."""
    x = operands[0]
    assert isinstance(x, Number)
    more = [item for item in operands[1:] if not isinstance(item, Number)]
    if len(more) + 1 < len(operands):
        raise Unknown("its axes depend on the image")

    def run(array: Array) -> Doubles:
        return np.stack([run_node(node, [image, *more], opset)[0] for image in array.astype(np.float64)])

    value, size = run(x.value), run(np.broadcast_to(x.size, (len(x.size), *x.shape)))
    count = x.value[0].size // max(1, value[0].size)
    return Number(value, size, _exact_mean(x, value, size, count if node.op_type == "ReduceMean" else 1))


def _average(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """AveragePool and GlobalAveragePool: means of windows, or of all pixels."""
    x = operands[0]
    assert isinstance(x, Number)
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Unknown("its pads are not given")

    def run(array: Array) -> Doubles:
        merged = run_node(node, [array.reshape(-1, *array.shape[2:])], opset)[0]
        return merged.reshape(*array.shape[:2], *merged.shape[1:])

    value, size = run(x.value), run(np.broadcast_to(x.size, (len(x.size), *x.shape)))
    plain = attribute(node, "count_include_pad", 0) or not any(attribute(node, "pads", [0]))
    count = int(np.prod(attribute(node, "kernel_shape", x.shape[2:])))
    same = plain and not attribute(node, "ceil_mode", 0)
    return Number(value, size, _exact_mean(x, value, size, count) if same else np.array(False))


def _exact_mean(x: Number, value: Doubles, size: Doubles, count: int) -> Truths:
    """A mean of a power of two elements is as exact as their sum; otherwise the two ways of dividing differ."""
    if not np.all(x.exact) or count & (count - 1):
        return np.array(False)
    unit = granule(x.value)
    if not np.isfinite(unit):
        return np.array(bool(np.all(size == 0)))
    return compact((size * count <= EXACT_INTEGERS * unit) & representable(value))


def _batch_norm(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """(x - mean) / sqrt(var + eps) * scale + bias; the size of its terms is the same sum of magnitudes."""
    x, parameters = operands[0], operands[1:]
    if not isinstance(x, Number) or any(isinstance(item, Number) for item in parameters) or len(parameters) != 4:
        raise Unknown("its parameters are not constant")
    scale, bias, mean, variance = (np.asarray(item, dtype=np.float64) for item in parameters)  # type: ignore[arg-type]
    if attribute(node, "training_mode", 0) or not attribute(node, "spatial", 1):
        raise Unknown("its statistics are not those of channels")

    def run(array: Array, *constants: Doubles) -> Doubles:
        merged = run_node(node, [array.reshape(-1, *array.shape[2:]), *constants], opset)[0]
        return merged.reshape(array.shape)

    node = changed(node, spatial=None)
    del node.output[1:]
    value = run(x.value, scale, bias, mean, variance)
    whole = np.broadcast_to(x.size, (len(x.size), *x.shape))
    size = run(whole, np.abs(scale), np.abs(bias), -np.abs(mean), variance)
    return Number(value, size, np.array(False))


OPERATORS: dict[str, Callable[[onnx.NodeProto, Sequence[Operand], int], Number]] = {
    "AveragePool": _average,
    "BatchNormalization": _batch_norm,
    "Conv": _product,
    "ConvTranspose": _product,
    "Gemm": _product,
    "GlobalAveragePool": _average,
    "MatMul": _product,
    "ReduceMean": _reduction,
    "ReduceSum": _reduction,
}
