"""Elementwise functions: thresholds and tables."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant
from bnnfpga.lowering.accelerator import Lowering, StreamedTensor, stream_shape
from bnnfpga.lowering.reorder import image
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_MIN_TABULATED = 4
_MAX_TABULATED_BITS = 12
_MAX_LEVELS = 1 << 12


def threshold(lowering: Lowering, node: Node) -> None:
    """Lower to a table if one function with more than a few thresholds serves all channels, otherwise to thresholds."""
    table = table_of(lowering, node)
    tensor, shape, rows = _operand(lowering, node, table.rows)
    table = table.some(rows)
    type = lowering.stream_type(tensor)
    if _is_identity(table, type):
        lowering.record(node.output[0], tensor)
        return
    unit: Operator
    if table.levels > _MAX_LEVELS:
        raise UserError(
            f"it is a step function with {table.levels:,} steps; at most {_MAX_LEVELS:,} can be compiled",
            where=describe(node),
            hint="quantise to fewer bits, or, on the model's input, omit --input: then the host computes it",
        )
    if table.rows > 1 or table.levels < _MIN_TABULATED or type.bits > _MAX_TABULATED_BITS:
        unit = Threshold(lowering.name(Threshold), shape, type, table)
    else:
        results = table.execute(values_by_code(type, type.lo, type.hi)[:, None])[:, 0].astype(np.int64)
        unit = Lookup(lowering.name(Lookup), shape, type, results, table.output)
    lowering.bind(node, lowering.add(unit, tensor.producer), tensor.order)


def _is_identity(table: ThresholdTable, type: IntegerType) -> bool:
    """Whether it maps each integer to itself."""
    if table.output != type or np.any(table.decreasing):
        return False
    if type.is_bipolar:
        return bool(np.all((table.values == 0) | (table.values == 1)))
    return bool(np.all(table.values == np.arange(type.lo + 1, type.hi + 1)))


def table(lowering: Lowering, node: Node) -> None:
    """Lower any function, one for all channels or one per channel, to a table indexed by the stream's codes."""
    results = required_constant(lowering.model, node, 1, "table").astype(np.int64)
    first = int(attribute(node, "first", 0))
    tensor, shape, rows = _operand(lowering, node, len(results))
    type = lowering.stream_type(tensor)
    results = results[rows][:, values_by_code(type, first, first + results.shape[1] - 1) - first]
    unit = Lookup(
        lowering.name(Lookup),
        shape,
        type,
        results[0] if len(results) == 1 else results,
        lowering.tensor_type(node.output[0]),
    )
    lowering.bind(node, lowering.add(unit, tensor.producer), tensor.order)


def _operand(
    lowering: Lowering, node: Node, functions: int
) -> tuple[StreamedTensor, tuple[int, ...], slice | IntArray]:
    """A node's operand, its shape for a unit with this many functions, and their order in the stream.

    There is one function for all elements, one per channel, or one per element: an image is streamed pixel by pixel,
    whether it has been flattened or not.
    """
    shape = stream_shape(lowering.shape(node.input[0]))
    tensor = image(lowering, node) if functions == shape[-1] > 1 else lowering.read(node)
    if functions in (1, shape[-1]) and len(shape) > 1:
        return tensor, shape, slice(None)
    return tensor, (len(tensor.order),), tensor.order if functions > 1 else slice(None)


def values_by_code(type: IntegerType, first: int, last: int) -> IntArray:
    """The integer of each code of a stream; for codes that cannot occur, the nearest within `first` to `last`."""
    return np.clip(type.decode(np.arange(1 << type.bits, dtype=np.int64)), first, last)


def table_of(lowering: Lowering, node: Node) -> ThresholdTable:
    """A node's thresholds: for all elements, per channel, or per element in the model's order."""
    values = required_constant(lowering.model, node, 1, "thresholds").astype(np.int64)
    decreasing = required_constant(lowering.model, node, 2, "directions").astype(bool)
    return ThresholdTable(values, decreasing, lowering.tensor_type(node.output[0]))
