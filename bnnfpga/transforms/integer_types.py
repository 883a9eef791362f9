"""Which tensors of a graph are integers, and which integers they can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.dot_products import dot_product_type
from bnnfpga.frontend.nodes import DOT_PRODUCTS, LAYOUT_OPS, QUANTIZERS, attribute, constant
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.frontend.sliding import geometry_of, pad_value
from bnnfpga.integers import IntArray, IntegerType

THRESHOLD_DOMAIN = "bnnfpga"
_INPUT_TYPE = "bnnfpga.input"
"""Metadata of a model whose input is integers: their interval and encoding (QONNX' types know no intervals)."""

INTEGER_POOL = "IntegerPool"
"""The largest integer under a kernel, or the smallest: inputs (x, 1 for smallest by channel), attributes of MaxPool."""
INTEGER_SUM = "IntegerSum"
"""The sum of the integers under a kernel; attributes of AveragePool."""
INTEGER_ADD = "IntegerAdd"
"""The sum of integers, each times one of the attribute `factors`."""
INTEGER_CONCAT = "IntegerConcat"
"""The channels of integers one after the other, each times one of the attribute `factors`."""
THRESHOLD = "IntegerThreshold"
"""An integer step function for each channel; inputs (x, thresholds, decreasing), attributes lo, hi, bipolar."""


def make_join(node: onnx.NodeProto, operation: str, factors: Sequence[int]) -> None:
    """Turn a node of several integers into an INTEGER_ADD or INTEGER_CONCAT of so many times each."""
    node.op_type, node.domain = operation, THRESHOLD_DOMAIN
    del node.attribute[:]
    node.attribute.append(onnx.helper.make_attribute("factors", factors))


def annotate_input(model: ModelWrapper, type: IntegerType) -> None:
    """Say that the graph's input carries integers of `type`."""
    model.set_metadata_prop(_INPUT_TYPE, f"{type.lo} {type.hi} {type.encoding}")


def integer_type(model: ModelWrapper, tensor: str) -> IntegerType | None:
    """The type of an integer tensor, None where `tensor` holds floats."""
    node = model.find_producer(tensor)
    if node is None:
        if tensor != model.graph.input[0].name:
            return None
        annotation = model.get_metadata_prop(_INPUT_TYPE)
        if annotation is None:
            return None
        lo, hi, encoding = annotation.split()
        return IntegerType(int(lo), int(hi), encoding)
    if node.op_type in LAYOUT_OPS:
        return integer_type(model, node.input[0])
    if node.op_type in QUANTIZERS:
        quantizer = quantizer_of(model, node)
        if quantizer.scale.size != 1 or quantizer.scale.item() != 1:
            return None
        if quantizer.bipolar:
            return IntegerType.bipolar()
        return IntegerType.interval(quantizer.lo, quantizer.hi)
    if node.op_type == THRESHOLD:
        if attribute(node, "bipolar", 0):
            return IntegerType.bipolar()
        return IntegerType.interval(attribute(node, "lo", 0), attribute(node, "hi", 0))
    if node.op_type in DOT_PRODUCTS:
        inputs = integer_type(model, node.input[0])
        weights = integer_weights(model, node.input[1])
        if inputs is None or weights is None:
            return None
        padded = node.op_type == "Conv" and geometry_of(model, node).touches_pads
        return dot_product_type(rows_of(weights), inputs, padded=padded)
    if node.op_type in ("MaxPool", INTEGER_POOL):
        return integer_type(model, node.input[0])
    if node.op_type == INTEGER_SUM:
        inputs = integer_type(model, node.input[0])
        if inputs is None:
            return None
        geometry = geometry_of(model, node)
        ends = [inputs.lo, inputs.hi, *([0] if geometry.touches_pads else [])]
        return IntegerType(geometry.taps * min(ends), geometry.taps * max(ends), "signed")
    if node.op_type == "Pad":
        return _padded_type(model, node)
    if node.op_type in ("Gather", "Resize"):
        return integer_type(model, node.input[0])
    if node.op_type in (INTEGER_ADD, INTEGER_CONCAT):
        return _joined_type(model, node)
    return None


def integer_weights(model: ModelWrapper, tensor: str) -> IntArray | None:
    """A constant tensor as int64, None where it is not constant or not integer."""
    value = constant(model, tensor)
    if value is None or not np.array_equal(value, np.rint(value)) or not np.all(np.abs(value) < 1 << 62):
        return None
    return value.astype(np.int64)


def rows_of(weights: IntArray) -> IntArray:
    """Weights as (outputs, products of an output): of a MatMul (inputs, outputs), of a Conv (outputs, ...)."""
    return weights.T if weights.ndim == 2 else weights.reshape(len(weights), -1)


def _padded_type(model: ModelWrapper, node: onnx.NodeProto) -> IntegerType | None:
    inputs, value = integer_type(model, node.input[0]), pad_value(model, node)
    if inputs is None or value % 1:
        return None
    if bool(inputs.holds(np.array(value))):
        return inputs
    return IntegerType.interval(min(inputs.lo, int(value)), max(inputs.hi, int(value)))


def _joined_type(model: ModelWrapper, node: onnx.NodeProto) -> IntegerType | None:
    parts = []
    for name, factor in zip(node.input, attribute(node, "factors", []), strict=True):
        type = integer_type(model, name)
        if type is None:
            return None
        parts.append(type if factor == 1 else IntegerType.interval(*sorted((factor * type.lo, factor * type.hi))))
    if node.op_type == INTEGER_ADD:
        return IntegerType.interval(sum(part.lo for part in parts), sum(part.hi for part in parts))
    if all(part == parts[0] for part in parts):
        return parts[0]
    return IntegerType.interval(min(part.lo for part in parts), max(part.hi for part in parts))


def reachable_values(model: ModelWrapper, tensor: str) -> range:
    """Integers, ascending, among which is every value that an integer tensor can take: they can be billions.

    Sums of -1 and +1 have the parity of their number of terms, so only every second value of their interval is in it.
    """
    type = integer_type(model, tensor)
    assert type is not None
    node = model.find_producer(tensor)
    while node is not None and node.op_type in LAYOUT_OPS:
        node = model.find_producer(node.input[0])
    step = 1
    if type.is_bipolar:
        step = 2
    elif node is not None and node.op_type in DOT_PRODUCTS:
        inputs = integer_type(model, node.input[0])
        weights = integer_weights(model, node.input[1])
        assert inputs is not None
        assert weights is not None
        padded = node.op_type == "Conv" and geometry_of(model, node).touches_pads
        if inputs.is_bipolar and not padded and np.all(rows_of(weights).sum(axis=1) % 2 == type.lo % 2):
            step = 2
    return range(type.lo, type.hi + 1, step)
