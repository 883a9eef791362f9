"""Lowering folded integer operations to dataflow operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.base.naming import numbered
from bnnfpga.dataflow.element_ranges import with_constant_inputs
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.stream import Frame, Port
from bnnfpga.frontend.contract.table import kinds_that
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import describe
from bnnfpga.lowering.accelerator import Lowering, stream_shape
from bnnfpga.lowering.branches import add_streams, concat, multiply_streams
from bnnfpga.lowering.dot_product_layers import convolution, dense
from bnnfpga.lowering.element_functions import table, threshold, values_by_code
from bnnfpga.lowering.pixels import depth_to_space, integer_pool, max_pool, pad, pick, space_to_depth, sum_pool
from bnnfpga.lowering.reorder import layout, transpose
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.transforms.class_scores import AffineScores, ClassFunction, RankedScores, class_comparison, class_decision
from bnnfpga.transforms.integer_types import (
    INTEGER_ADD,
    INTEGER_CONCAT,
    INTEGER_POOL,
    INTEGER_PRODUCT,
    INTEGER_SUM,
    TABLE,
    THRESHOLD,
    reachable_values,
)

_MAX_DECIDED_BITS = 16
"""Maximum width of a score whose class is looked up in a table."""
_CLASS_OF_TWO = IntegerType(0, 1, "unsigned")
LOWERINGS: dict[str, Callable[[Lowering, Node], None]] = {
    "MatMul": dense,
    "Conv": convolution,
    THRESHOLD: threshold,
    TABLE: table,
    "MaxPool": max_pool,
    INTEGER_POOL: integer_pool,
    INTEGER_SUM: sum_pool,
    "Pad": pad,
    INTEGER_ADD: add_streams,
    INTEGER_PRODUCT: multiply_streams,
    INTEGER_CONCAT: concat,
    "Gather": pick,
    "Resize": pick,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Transpose": transpose,
    **dict.fromkeys(kinds_that(lambda traits: traits.regroups), layout),
}


def lower(model: Model, class_functions: Sequence[ClassFunction] | None = None) -> Graph:
    """Map a folded graph onto operators with PE = SIMD = 1.

    Parameters
    ----------
    model
        A folded graph.
    class_functions
        If specified, the accelerator computes the class of each output: the index of the largest value of this
        function of its scores, or the decision of a single score.

    Returns
    -------
    Graph
        Complete and executable. Operators are named by kind and number, like `matrix_vector0`; a threshold after a dot
        product is merged into its unit, and a Pad into the window after it.

    Raises
    ------
    UserError
        If an operation has no unit.
    """
    if not len(model):
        raise UserError(
            "there is no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
        )
    lowering = Lowering(model)
    for node in model.nodes:
        if node in lowering.merged:
            continue
        lower_node = LOWERINGS.get(node.op_type)
        if lower_node is None:
            raise UserError(
                "no hardware unit computes this",
                where=describe(node),
                hint="put a quantizer behind it, or leave it out",
            )
        lowering.node = node
        lower_node(lowering, node)
    lowering.node = None
    return with_constant_inputs(_finish(lowering, class_functions))


def _finish(lowering: Lowering, functions: Sequence[ClassFunction] | None) -> Graph:
    """Add the output boundary and connect everything."""
    tensors = lowering.model.outputs
    if all(lowering.tensors[tensor].producer is None for tensor in tensors):
        raise UserError(
            "there is no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
        )
    frames = [Frame(stream_shape(lowering.shape(tensor)), lowering.tensors[tensor].order) for tensor in tensors]
    producers = [lowering.tensors[tensor].producer for tensor in tensors]
    if functions is not None:
        pairs = zip(numbered("arg_max", len(tensors)), tensors, functions, strict=True)
        producers = [
            _class_of(lowering, name, tensor, function)
            if function.decision is None
            else _decided(lowering, tensor, function)
            for name, tensor, function in pairs
        ]
        frames = [_class_frame(lowering, tensor, function) for tensor, function in zip(tensors, functions, strict=True)]
    names = numbered("score_output", len(tensors))
    for name, tensor, producer in zip(names, tensors, producers, strict=True):
        lowering.add(ScoreOutput(name, lowering.port_of(producer, tensor)), producer)
    return lowering.joined(names, frames)


def _decided(lowering: Lowering, tensor: str, function: ClassFunction) -> str:
    """The class, 0 or 1, of a single score: by a threshold if it changes once, otherwise from a table."""
    producer = lowering.tensors[tensor].producer
    port = lowering.port_of(producer, tensor)
    values = reachable_values(lowering.model, tensor)
    above = class_decision(function, values)
    changes = np.flatnonzero(np.diff(above)) + 1
    unit: Operator
    if len(changes) <= 1:
        # If all scores mean the same class, the threshold is at the end of the range.
        level = values[changes[0]] if len(changes) else values[0] if above[0] else values[-1] + 1
        falls = bool(len(changes) and above[0])
        table = ThresholdTable(np.array([[level]]), np.array([falls]), _CLASS_OF_TWO)
        unit = Threshold(lowering.name(Threshold), (1,), port.type, table)
    elif port.type.bits > _MAX_DECIDED_BITS:
        raise UserError(
            f"the class changes more than once over its {len(values):,} scores, too many for a table",
            where="--output class",
            hint="use --output scores: the host computes the class",
        )
    else:
        places = (values_by_code(port.type, values[0], values[-1]) - values.start) // values.step
        unit = Lookup(lowering.name(Lookup), (1,), port.type, above[places].astype(np.int64), _CLASS_OF_TWO)
    return lowering.add(unit, producer)


def _class_frame(lowering: Lowering, tensor: str, function: ClassFunction) -> Frame:
    """The frame of the classes of an output: a single one, or those of its pixels in the order of the stream."""
    if function.places is None or not function.pixels:
        return Frame((1,), np.zeros(1, dtype=np.int64))
    pixels = np.argsort(function.places.reshape(-1))[lowering.tensors[tensor].order] // function.places.shape[1]
    return Frame((*function.pixels, 1), pixels[:: function.places.shape[1]])


def _class_of(lowering: Lowering, name: str, tensor: str, function: ClassFunction) -> str:
    place = lowering.tensors[tensor]
    assert function.places is not None
    pixels, classes = function.places.shape
    streamed = np.argsort(function.places.reshape(-1))[place.order].reshape(pixels, classes)
    if np.any(streamed != streamed[:, :1] // classes * classes + np.arange(classes)):
        raise UserError(
            "the scores of a pixel do not leave the last layer one after the other",
            where="--output class",
            hint="use --output scores: the host computes classes",
        )
    comparison = class_comparison(function, reachable_values(lowering.model, tensor))
    port = lowering.port_of(place.producer, tensor)
    port = Port((pixels, classes) if pixels > 1 else (classes,), port.type, 1)
    return lowering.add(_arg_max(name, port, comparison), place.producer)


def _arg_max(name: str, scores: Port, comparison: AffineScores | RankedScores | None) -> ArgMax:
    if comparison is None:
        return ArgMax(name, scores)
    if isinstance(comparison, AffineScores):
        return ArgMax(name, scores, comparison.factors, comparison.offsets)
    # If only every second score occurs, the lowest bit of their codes carries no information.
    shift = int(comparison.values.step == 2 and scores.type.bits > 1)
    ranks = np.zeros((scores.shape[-1], 1 << (scores.type.bits - shift)), dtype=np.int64)
    ranks[:, scores.type.encode(np.array(comparison.values)) >> shift] = comparison.ranks
    return ArgMax(name, scores, ranks=ranks)
