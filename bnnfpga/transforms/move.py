"""Moving layout changes up, or down behind the quantizers of pools, and scales down, so that integers meet integers."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.multithreshold import reshape_thresholds
from bnnfpga.frontend.nodes import (
    BROADCASTING,
    DOT_PRODUCTS,
    ELEMENTWISE,
    LAYOUT_OPS,
    POOLS,
    QUANTIZERS,
    add_constant,
    comes_from_constants,
    constant,
    consumers,
    fresh_name,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.transforms.editing import drop_unread, insert_after
from bnnfpga.transforms.integer_types import integer_type


class LayoutBeforeElementwise(Transformation):  # type: ignore[misc]
    """A reshape behind an elementwise node moves in front of it; constants for each element are reshaped with it.

    One that flattens what a convolution's quantizer made stays. A Transpose moves in front of one factor for all.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in (*LAYOUT_OPS, "Transpose") or comes_from_constants(model, node.input[0]):
                continue
            before = model.find_producer(node.input[0])
            is_factor = before is not None and before.op_type == "Mul" and _is_uniform(model, before)
            if node.op_type == "Transpose" and not is_factor:
                continue
            if before is None or before.op_type not in ELEMENTWISE or len(consumers(model, node.input[0])) > 1:
                continue
            if before.op_type in QUANTIZERS and _comes_from_windows(model, before.input[0]):
                continue
            operands = [index for index, name in enumerate(before.input) if name and constant(model, name) is None]
            if len(operands) != 1:
                continue
            new_shape = model.get_tensor_shape(node.output[0])
            if not _reshape_constants(model, before, model.get_tensor_shape(node.input[0]), new_shape):
                continue
            source, between, result = before.input[operands[0]], before.output[0], node.output[0]
            model.set_tensor_shape(between, new_shape)
            node.input[0], node.output[0] = source, between
            before.input[operands[0]], before.output[0] = between, result
            nodes = list(model.graph.node)
            model.graph.node.remove(node)
            model.graph.node.insert(nodes.index(before), node)
            return model, True
        return model, False


def _reshape_constants(model: ModelWrapper, node: onnx.NodeProto, before: list[int], after: list[int]) -> bool:
    """Fit an elementwise node's constants to another shape of its tensor; False where that cannot be."""
    if node.op_type == "BatchNormalization":
        return False
    if node.op_type == "MultiThreshold":
        return reshape_thresholds(model, node, before, after)
    if node.op_type in QUANTIZERS:
        return quantizer_of(model, node).scale.size == 1
    if node.op_type in BROADCASTING:
        for index, name in enumerate(node.input):
            value = constant(model, name)
            if value is not None and value.size > 1:
                whole = np.ascontiguousarray(np.broadcast_to(value, before).reshape(after))
                node.input[index] = add_constant(model, f"{node.name}_constant", whole)
    return True


def _comes_from_windows(model: ModelWrapper, tensor: str) -> bool:
    """Whether an image is made by a convolution or pool: then all pixels of a channel share their thresholds."""
    producer = model.find_producer(tensor)
    while producer is not None and producer.op_type not in DOT_PRODUCTS:
        if producer.op_type in POOLS:
            return True
        producer = next((node for node in map(model.find_producer, producer.input) if node is not None), None)
    return producer is not None and producer.op_type == "Conv"


class QuantizerBeforeLayout(Transformation):  # type: ignore[misc]
    """A quantizer behind the reshape of what a max pool or a concatenation gives moves in front of it, to their floats.

    With it move the elementwise nodes between them. All their constants are single numbers.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for quantizer in model.graph.node:
            if quantizer.op_type not in QUANTIZERS or comes_from_constants(model, quantizer.input[0]):
                continue
            chain = [quantizer]
            while (above := _only_producer(model, chain[0])) is not None and above.op_type in ELEMENTWISE:
                chain.insert(0, above)
            source = None if above is None or above.op_type not in LAYOUT_OPS else _only_producer(model, above)
            if above is None or source is None or source.op_type not in ("MaxPool", "Concat"):
                continue
            if integer_type(model, above.input[0]) is not None or not all(_is_uniform(model, node) for node in chain):
                continue
            _exchange(model, above, chain)
            return model, True
        return model, False


def _only_producer(model: ModelWrapper, node: onnx.NodeProto) -> onnx.NodeProto | None:
    """The node that makes the one tensor that `node` takes, where nobody else takes it."""
    operands = [name for name in node.input if name and constant(model, name) is None]
    if len(operands) != 1 or len(consumers(model, operands[0])) != 1:
        return None
    producer: onnx.NodeProto | None = model.find_producer(operands[0])
    return producer


def _is_uniform(model: ModelWrapper, node: onnx.NodeProto) -> bool:
    """Whether an elementwise node does the same with all elements."""
    constants = (constant(model, name) for name in node.input if name)
    if node.op_type == "MultiThreshold":
        return all(value is None or len(value) == 1 for value in constants)
    return node.op_type != "BatchNormalization" and all(value is None or value.size == 1 for value in constants)


def _exchange(model: ModelWrapper, layout: onnx.NodeProto, chain: list[onnx.NodeProto]) -> None:
    """Put a layout change, which stands in front of a chain of elementwise nodes, behind it."""
    source, result = layout.input[0], chain[-1].output[0]
    shape = model.get_tensor_shape(source)
    # A tensor that is something else now than in the model has another name.
    codes = fresh_name(model, f"{chain[-1].name}_codes")
    chain[0].input[list(chain[0].input).index(layout.output[0])] = source
    for node in chain[:-1]:
        model.set_tensor_shape(node.output[0], shape)
    model.set_tensor_shape(codes, shape)
    chain[-1].output[0] = layout.input[0] = codes
    layout.output[0] = result
    model.graph.node.remove(layout)
    model.graph.node.insert(list(model.graph.node).index(chain[-1]) + 1, layout)


class ScalesBehindDotProducts(Transformation):  # type: ignore[misc]
    """A scalar multiplication in front of a dot product moves behind it."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in DOT_PRODUCTS:
                continue
            # All scales of a run in front of it, the first applied first.
            scales: list[np.ndarray] = []
            source = node.input[0]
            while (producer := model.find_producer(source)) is not None and producer.op_type == "Mul":
                factor = _scalar_factor(model, producer)
                if factor is None:
                    break
                scales.insert(0, factor[1])
                source = factor[0]
            if not scales:
                continue
            node.input[0] = source
            behind: onnx.NodeProto = node
            for scale in scales:
                behind = insert_after(model, behind, "Mul", scale) or behind
            drop_unread(model)
            return model, True
        return model, False


def _scalar_factor(model: ModelWrapper, node: onnx.NodeProto) -> tuple[str, np.ndarray] | None:
    for index in (0, 1):
        value = constant(model, node.input[index])
        if value is not None:
            return (node.input[1 - index], value.reshape(())) if value.size == 1 else None
    return None
