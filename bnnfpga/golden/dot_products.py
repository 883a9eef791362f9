"""Dot products on integer codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from bnnfpga.arithmetic import Floats
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Node
from bnnfpga.frontend.nodes import attribute, describe
from bnnfpga.frontend.sliding import geometry_of, sliding_attributes
from bnnfpga.golden.writer import EXACT_FLOAT32, Value, Writer


def dot_product(writer: Writer, node: Node) -> Value:
    """A MatMul or Conv of integer codes, exactly, its scales behind it.

    Raises
    ------
    UserError
        If an operand is not quantised.
    """
    x, w = writer.value(node.input[0]), writer.value(node.input[1])
    if x.integers is None or w.integers is None or w.constant is None:
        side = "weights" if x.integers is not None else "activations"
        raise UserError(
            f"its {side} are not quantised",
            where=describe(node),
            hint=f"put a Brevitas quantizer on the layer's {side}",
        )
    if any(scale.size != 1 for scale in x.scales):
        raise UserError("its activations have a scale for each channel", where=describe(node), hint="use one scale")
    options: dict[str, Any] = {}
    if node.op_type == "Conv":
        geometry_of(writer.model, node)  # refuses what cannot be
        options = {**sliding_attributes(node), "group": attribute(node, "group", 1)}
    magnitude = _magnitude(node, w.constant, x)
    if magnitude < EXACT_FLOAT32:
        product = writer.emit(node.op_type, x.integers, w.integers, **options)
    else:
        product = _wide_product(writer, node, x, w.constant, options)
    trailing = len(writer.model.shape(node.output[0])) - 2 if node.op_type == "Conv" else 0
    scales = (
        *(scale.reshape(()) for scale in x.scales),
        *(output_scale(scale, node, trailing) for scale in w.scales),
    )
    return Value(integers=product, scales=scales, magnitude=magnitude, base=product)


def _wide_product(writer: Writer, node: Node, x: Value, weights: NDArray[np.float32], options: Any) -> str:
    """A dot product too large for float32: in doubles.

    onnxruntime convolves no doubles: a convolution is done digit by digit of the weights, each exact in float32.
    """
    assert x.integers is not None
    if node.op_type == "MatMul":
        both = (x.integers, writer.constant(weights))
        product = writer.emit("MatMul", *(writer.emit("Cast", name, to=TensorProto.DOUBLE) for name in both))
        writer.doubles.add(product)
        return product
    bits = 8
    while max(_magnitude(node, digit, x) for digit in _digits(weights, bits)) >= EXACT_FLOAT32:
        bits -= 1
        if not bits:
            raise UserError(
                "its sums need more than 32 bits", where=describe(node), hint="quantise its input to fewer bits"
            )
    total = ""
    for position, digit in enumerate(_digits(weights, bits)):
        part = writer.emit(node.op_type, x.integers, writer.constant(digit), **options)
        part = writer.emit("Cast", part, to=TensorProto.DOUBLE)
        if position:
            factor = writer.constant(np.asarray(2.0 ** (bits * position)))
            part = writer.emit("Add", total, writer.emit("Mul", part, factor))
        total = part
    writer.doubles.add(total)
    return total


def _magnitude(node: Node, weights: NDArray[np.float32], x: Value) -> int:
    """A bound of a dot product."""
    rows = weights.T if node.op_type == "MatMul" else weights.reshape(len(weights), -1)
    return int(np.abs(rows).sum(axis=1).max()) * x.magnitude


def _digits(weights: NDArray[np.float32], bits: int) -> list[NDArray[np.float32]]:
    """Integers of at most 9 bits as digits of so many bits, the lowest first; the last one has the sign."""
    digits = []
    for _ in range(-(-9 // bits) - 1):
        high = np.floor(weights / 2**bits)
        digits.append((weights - high * 2**bits).astype(np.float32))
        weights = high
    return [*digits, weights.astype(np.float32)]


def output_scale(scale: Floats, node: Node, trailing: int = 0) -> Floats:
    """A weight scale as a factor of the outputs: a scalar, or one for each output.

    Outputs are columns of a MatMul's weights, and rows of a convolution's, whose images have `trailing` axes of pixels.
    """
    if scale.size == 1:
        return scale.reshape(())
    # Weights have two axes more than there are of pixels; a scale of fewer axes is broadcast along the first of them.
    scale = scale.reshape(*[1] * (2 + trailing - scale.ndim), *scale.shape)
    if node.op_type == "Conv":
        rows = scale.reshape(len(scale), -1)
        if scale.ndim != 2 + trailing or np.any(rows != rows[:, :1]):
            raise UserError(
                "the scale of its weights varies within an output channel",
                where=describe(node),
                hint="use one scale for the tensor or one for each output channel",
            )
        return rows[:, 0].reshape(-1, *[1] * trailing)
    if scale.ndim != 2 or np.any(scale != scale[:1]):
        raise UserError(
            "the scale of its weights varies along its inputs",
            where=describe(node),
            hint="use one scale for the tensor or one for each output channel",
        )
    column: Floats = scale[0]
    return column
