"""Operators of QONNX and FINN other than quantizers, each in terms of standard operators.

Source: the executions in the package qonnx 1.0.0, in this module's own words. The domain `channels_last` has standard
operators on tensors whose channels come last, including the weights of convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnx

from bnnfpga.golden.check import sums_of_products as products
from bnnfpga.golden.check.decisions import DOMAINS
from bnnfpga.golden.check.libraries import Unknown, attribute, changed
from bnnfpga.golden.check.moved_elements import Evaluator
from bnnfpga.golden.check.number import Array, Number, Operand

CHANNELS_LAST = "qonnx.custom_op.channels_last"


def xnor_popcount(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """XnorPopcountMatMul: the number of equal bits in two rows of K, (K + the dot product of their signs) / 2."""
    signs = [_affine(item, 2.0, -1.0) for item in operands]
    first = signs[0]
    inputs = first.shape[-1] if isinstance(first, Number) else first.shape[-1] if first is not None else 0
    product = products.OPERATORS["MatMul"](changed(node, "MatMul"), signs, opset)
    half = _affine(product, 0.5, 0.5 * inputs)
    assert isinstance(half, Number)
    return [half]


def im2col(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """Im2Col: for each position of a kernel, the pixels under it row by row, each with all its channels."""
    x = operands[0]
    if not isinstance(x, Number):
        raise Unknown("its input is constant")
    kernel, strides = attribute(node, "kernel_size", []), attribute(node, "stride", [])
    pads, filler = attribute(node, "pad_amount", [0, 0, 0, 0]), float(attribute(node, "pad_value", 0))
    dilations = attribute(node, "dilations", [1, 1])

    def unroll(array: Array, fill: float) -> Array:
        margins = [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)]
        padded = np.pad(array, margins, constant_values=fill)
        spans = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]
        windows = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=(2, 3))
        windows = windows[:, :, :: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]
        moved = np.moveaxis(windows, 4, -1)
        return moved.reshape(*moved.shape[:4], -1)

    exact = np.broadcast_to(x.exact, (len(x.size), *x.shape)) if x.exact.ndim else x.exact
    size = np.broadcast_to(x.size, (len(x.size), *x.shape))
    unrolled = unroll(exact, True) if exact.ndim else exact
    return [Number(unroll(x.value, filler), unroll(size, abs(filler)), unrolled)]


def quantised_average(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> list[Number]:
    """QuantAvgPool2d: the sum of a window's integers, without its low bits."""
    x = operands[0]
    if not isinstance(x, Number):
        raise Unknown("its input is constant")
    last = attribute(node, "data_layout", "NCHW") == "NHWC"
    kernel, stride = attribute(node, "kernel", 1), attribute(node, "stride", 1)
    pool = changed(
        node, "AveragePool", kernel_shape=[kernel] * 2, strides=[stride] * 2, kernel=None, stride=None, ibits=None,
        obits=None, signed=None, data_layout=None,
    )  # fmt: skip
    channels_first = _channels_first(x) if last else x
    mean = products.OPERATORS["AveragePool"](pool, [channels_first], opset)
    if not np.all(x.exact) or np.any(x.value % 1):
        raise Unknown("its input is not of integers")
    largest = (2 ** attribute(node, "ibits", 1) - 1) * kernel**2
    shift = max(0, int(largest).bit_length() - attribute(node, "obits", 1))
    result = Number.of(np.floor(np.rint(mean.value * kernel**2) / 2.0**shift))
    return [_channels_last(result) if last else result]


def _affine(operand: Operand, factor: float, addend: float) -> Operand:
    if operand is None:
        return None
    if not isinstance(operand, Number):
        return operand * factor + addend
    exact = operand.exact
    return Number(operand.value * factor + addend, operand.size * factor + abs(addend), exact)


def _channels_first(x: Number) -> Number:
    return _turned(x, 2)


def _channels_last(x: Number) -> Number:
    return _turned(x, -1)


def _turned(x: Number, target: int) -> Number:
    source = -1 if target == 2 else 2
    size = np.moveaxis(np.broadcast_to(x.size, (len(x.size), *x.shape)), source, target)
    exact = x.exact if x.exact.ndim == 0 else np.moveaxis(x.exact, source, target)
    return Number(np.moveaxis(x.value, source, target), size, exact)


def _on_channels_first(
    evaluate: Callable[[onnx.NodeProto, Sequence[Operand], int], Number | list[Number]],
    op_type: str,
    node: onnx.NodeProto,
    operands: Sequence[Operand],
    opset: int,
) -> list[Number]:
    turned: list[Operand] = list(operands)
    if not isinstance(turned[0], Number):
        raise Unknown("its input is constant")
    turned[0] = _channels_first(turned[0])
    if op_type == "Conv" and not isinstance(turned[1], Number) and turned[1] is not None:
        turned[1] = np.moveaxis(turned[1], -1, 1)
    results = evaluate(changed(node, op_type), turned, opset)
    return [_channels_last(item) for item in (results if isinstance(results, list) else [results])]


def custom_operators(largest: Evaluator) -> dict[tuple[str, str], Evaluator]:
    """The operators by name and domain; `largest` evaluates MaxPool."""
    general: dict[str, Evaluator] = {
        "XnorPopcountMatMul": xnor_popcount,
        "Im2Col": im2col,
        "MaxPoolNHWC": partial(_on_channels_first, largest, "MaxPool"),
        "QuantAvgPool2d": quantised_average,
    }
    operators = {(name, domain): evaluate for name, evaluate in general.items() for domain in DOMAINS}
    operators["Conv", CHANNELS_LAST] = partial(_on_channels_first, products.OPERATORS["Conv"], "Conv")
    operators["MaxPool", CHANNELS_LAST] = partial(_on_channels_first, largest, "MaxPool")
    batch_norm = partial(_on_channels_first, products.OPERATORS["BatchNormalization"], "BatchNormalization")
    operators["BatchNormalization", CHANNELS_LAST] = batch_norm
    return operators
