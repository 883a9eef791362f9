"""Dense layers and convolutions, with the thresholds that follow them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.frontend.forms.sliding import geometry_of
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import attribute, describe
from bnnfpga.lowering.accelerator import Lowering, StreamedTensor
from bnnfpga.lowering.element_functions import table_of
from bnnfpga.lowering.pixels import padded, padded_geometry, unfit_pad
from bnnfpga.lowering.reorder import image
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntArray
from bnnfpga.numbers.sum_types import dot_product_type
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.transforms.integer_types import (
    integer_type,
    integer_weights,
    is_threshold,
    rows_of,
)

_MAX_ACCUMULATOR_BITS, _MAX_WEIGHT_BITS = 53, 32


def dense(lowering: Lowering, node: Node) -> None:
    """Lower a dense layer to a matrix-vector unit on whole vectors."""
    tensor = lowering.read(node)
    weights = _weights(lowering, node)
    rows = np.ascontiguousarray(weights[tensor.order].T)
    table, last = _merged_thresholds(lowering, node, len(rows))
    unit = MatrixVector(lowering.name(MatrixVector), rows, lowering.stream_type(tensor), (), table)
    lowering.bind(last, _dot_product(lowering, node, unit, tensor.producer))


def convolution(lowering: Lowering, node: Node) -> None:
    """Lower a convolution to a window operator and a unit that computes each window."""
    tensor = image(lowering, node)
    weights = _weights(lowering, node)
    if tensor.fill and any(geometry_of(lowering.model, node).pads):
        above = lowering.model.producer(node.input[0])
        assert above is not None
        tensor = padded(lowering, above, tensor)
    geometry, fill = padded_geometry(lowering, node, tensor)
    groups = attribute(node, "group", 1)
    table, last = _merged_thresholds(lowering, node, len(weights))
    if groups == 1:
        producer = _slide(lowering, node, geometry, fill, tensor.producer, weights, table)
    elif weights.shape[1] == 1:
        producer = _depthwise(lowering, node, geometry, fill, tensor, weights, table)
    else:
        producer = _grouped(lowering, node, geometry, fill, tensor, weights, table)
    lowering.bind(last, producer)


def _slide(
    lowering: Lowering,
    node: Node,
    geometry: Geometry,
    fill: int,
    producer: str | None,
    weights: IntArray,
    table: ThresholdTable | None,
    group: IntArray | None = None,
) -> str:
    """A window and a matrix-vector unit; weights are (outputs, channels, kernel...).

    If the sums will be concatenated with others, `group` holds the weights of all of them.
    """
    type = lowering.type_of(producer)
    producer, padded = _window(lowering, node, geometry, fill, producer, weights.shape[1])
    # (outputs, kernel..., channels): a window's pixels, channels innermost.
    rows = np.ascontiguousarray(np.moveaxis(weights, 1, -1).reshape(len(weights), -1))
    unit = MatrixVector(
        lowering.name(MatrixVector), rows, type, geometry.windows, table, kernel=geometry.kernel, padded=padded
    )
    if group is not None and table is None:
        unit = replace(unit, sums=dot_product_type(rows_of(group), type, padded=padded))
    return _dot_product(lowering, node, unit, producer)


def _window(
    lowering: Lowering, node: Node, geometry: Geometry, fill: int, producer: str | None, channels: int
) -> tuple[str | None, bool]:
    """The producer of a convolution's windows, and whether it flags pixels outside the image."""
    if geometry.is_identity:
        return producer, False
    window = Window(lowering.name(Window), geometry, channels, lowering.type_of(producer), fill)
    if window.flagged and fill:
        raise unfit_pad(fill, node)
    return lowering.add(window, producer), window.flagged


def _depthwise(
    lowering: Lowering,
    node: Node,
    geometry: Geometry,
    fill: int,
    tensor: StreamedTensor,
    weights: IntArray,
    table: ThresholdTable | None,
) -> str:
    """Each channel on its own; a channel with several outputs is copied once for each."""
    outputs, producer, type = len(weights), tensor.producer, lowering.stream_type(tensor)
    channels = lowering.shape(node.input[0])[0]
    if outputs != channels:
        index = np.repeat(np.arange(channels), outputs // channels)
        producer = lowering.add(
            Select(lowering.name(Select), geometry.image, channels, tuple(index.tolist()), type), producer
        )
    producer, padded = _window(lowering, node, geometry, fill, producer, outputs)
    rows = np.ascontiguousarray(weights.reshape(outputs, -1).T)
    unit = VectorVector(
        lowering.name(VectorVector), rows, type, geometry.windows, table, padded, kernel=geometry.kernel
    )
    return _dot_product(lowering, node, unit, producer)


def _grouped(
    lowering: Lowering,
    node: Node,
    geometry: Geometry,
    fill: int,
    tensor: StreamedTensor,
    weights: IntArray,
    table: ThresholdTable | None,
) -> str:
    """A convolution for each group of channels, and the concatenation of their outputs."""
    type, inputs = lowering.stream_type(tensor), weights.shape[1]
    channels = lowering.shape(node.input[0])[0]
    outputs = len(weights) // (channels // inputs)
    joined, done = "", 0
    for first in range(0, channels, inputs):
        index = tuple(range(first, first + inputs))
        part = lowering.add(Select(lowering.name(Select), geometry.image, channels, index, type), tensor.producer)
        rows = None if table is None else table.some(slice(done, done + outputs))
        part = _slide(lowering, node, geometry, fill, part, weights[done : done + outputs], rows, weights)
        if joined:
            element = lowering.operators[part].outputs[0].type
            unit = Concat(lowering.name(Concat), geometry.windows, (done, outputs), element)
            part = lowering.add(unit, joined, part)
        joined, done = part, done + outputs
    return joined


def _weights(lowering: Lowering, node: Node) -> IntArray:
    weights = integer_weights(lowering.model, node.input[1])
    if weights is None or integer_type(lowering.model, node.input[0]) is None:
        raise UserError(
            "its operands are not both integers",
            where=describe(node),
            hint="put quantizers on the layer's input and weights",
        )
    return weights


def _merged_thresholds(lowering: Lowering, node: Node, channels: int) -> tuple[ThresholdTable | None, Node]:
    """The thresholds after a dot product, if nothing else reads its sums, and the node that produces the result."""
    reader = lowering.model.only_reader(node.output[0])
    if reader is None or not is_threshold(reader):
        return None, node
    table = table_of(lowering, reader)
    if table.rows not in (1, channels):
        return None, node  # one row per element
    lowering.merged.add(reader)
    return table, reader


def _dot_product(lowering: Lowering, node: Node, unit: MatrixVector | VectorVector, producer: str | None) -> str:
    if unit.weight_type.bits > _MAX_WEIGHT_BITS:
        raise UserError(
            f"its weights, which absorb the scales of its inputs, need {unit.weight_type.bits} bits; "
            f"{_MAX_WEIGHT_BITS} can be compiled",
            where=describe(node),
            hint="use one scale for its inputs, or powers of two, or quantise its weights to fewer bits",
        )
    if unit.accumulator.bits > _MAX_ACCUMULATOR_BITS:
        raise UserError(
            f"its sums need {unit.accumulator.bits} bits; at most {_MAX_ACCUMULATOR_BITS} can be compiled",
            where=describe(node),
            hint="quantise its input or its weights to fewer bits, or give it fewer inputs",
        )
    return lowering.add(unit, producer)
