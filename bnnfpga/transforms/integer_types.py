"""Which tensors of a graph are integers, and which integers they can be."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.frontend.nodes import LAYOUT_OPS, QUANTIZERS, attribute, constant
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.integers import IntArray, IntegerType

THRESHOLD_DOMAIN = "bnnfpga"
_INPUT_TYPE = "bnnfpga.input"
"""Metadata of a model whose input is integers: their interval and encoding (QONNX' types know no intervals)."""

THRESHOLD = "IntegerThreshold"
"""An integer step function for each channel; inputs (x, thresholds, decreasing), attributes lo, hi, bipolar."""


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
    if node.op_type == "MatMul":
        inputs = integer_type(model, node.input[0])
        weights = integer_weights(model, node.input[1])
        if inputs is None or weights is None:
            return None
        return IntegerType(*product_interval(weights, inputs), "signed")
    return None


def integer_weights(model: ModelWrapper, tensor: str) -> IntArray | None:
    """A constant tensor as int64, None where it is not constant or not integer."""
    value = constant(model, tensor)
    if value is None or not np.array_equal(value, np.rint(value)) or not np.all(np.abs(value) < 1 << 62):
        return None
    return value.astype(np.int64)


def product_interval(weights: IntArray, inputs: IntegerType) -> tuple[int, int]:
    """Exact interval of x @ weights, (inputs, outputs), over all x of a type and all outputs."""
    low, high = weights * inputs.lo, weights * inputs.hi
    return int(np.minimum(low, high).sum(axis=0).min()), int(np.maximum(low, high).sum(axis=0).max())


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
    elif node is not None and node.op_type == "MatMul":
        inputs = integer_type(model, node.input[0])
        weights = integer_weights(model, node.input[1])
        assert inputs is not None
        assert weights is not None
        if inputs.is_bipolar and np.all(weights.sum(axis=0) % 2 == type.lo % 2):
            step = 2
    return range(type.lo, type.hi + 1, step)
