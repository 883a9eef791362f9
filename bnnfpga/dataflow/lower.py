"""From folded integer operations to operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.lowering.accelerator import Lowering, stream_shape
from bnnfpga.dataflow.lowering.branches import add_streams, concat, select
from bnnfpga.dataflow.lowering.elementwise import table, threshold
from bnnfpga.dataflow.lowering.layers import convolution, dense
from bnnfpga.dataflow.lowering.pixels import max_pool, pad, sum_pool, upsample
from bnnfpga.dataflow.lowering.reorder import layout, transpose
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.stream import Frame, Port
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model, Node
from bnnfpga.frontend.nodes import LAYOUT_OPS, describe
from bnnfpga.transforms.class_scores import Affine, Ranks, class_comparison
from bnnfpga.transforms.host_functions import HostFunction
from bnnfpga.transforms.integer_types import (
    INTEGER_ADD,
    INTEGER_CONCAT,
    INTEGER_POOL,
    INTEGER_SUM,
    TABLE,
    THRESHOLD,
    reachable_values,
)

_OPERATIONS: dict[str, Callable[[Lowering, Node], None]] = {
    "MatMul": dense,
    "Conv": convolution,
    THRESHOLD: threshold,
    TABLE: table,
    "MaxPool": max_pool,
    INTEGER_POOL: max_pool,
    INTEGER_SUM: sum_pool,
    "Pad": pad,
    INTEGER_ADD: add_streams,
    INTEGER_CONCAT: concat,
    "Gather": select,
    "Resize": upsample,
    "Transpose": transpose,
    **dict.fromkeys(LAYOUT_OPS, layout),
}


def lower(model: Model, output_function: HostFunction | None = None) -> Graph:
    """Map a folded graph onto operators with PE = SIMD = 1.

    Parameters
    ----------
    model
        A folded graph.
    output_function
        Where given, the accelerator computes the class: the index of the largest of this function of the scores.

    Returns
    -------
    Graph
        Complete and executable. Operators are named by their kind and number, like `matrix_vector0`; a threshold
        behind a dot product is merged into its unit, and a Pad into the window behind it.

    Raises
    ------
    UserError
        If an operation has no unit.
    """
    if not len(model):
        raise UserError(
            "it has no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
        )
    lowering = Lowering(model)
    for node in model.nodes:
        if node in lowering.merged:
            continue
        if node.op_type not in _OPERATIONS:
            raise UserError(
                "no hardware unit does this", where=describe(node), hint="put a quantizer behind it, or leave it out"
            )
        _OPERATIONS[node.op_type](lowering, node)
    return _finish(lowering, output_function)


def _finish(lowering: Lowering, output_function: HostFunction | None) -> Graph:
    """The output boundary, and everything joined."""
    tensor = lowering.model.output
    last = lowering.tensors[tensor].producer
    if last is None:
        raise UserError(
            "it has no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
        )
    made = Frame(stream_shape(lowering.shape(tensor)), lowering.tensors[tensor].order)
    if output_function is not None:
        last = _class_of(lowering, tensor, output_function)
        made = Frame((1,), np.zeros(1, dtype=np.int64))
    output = ScoreOutput("score_output", lowering.operators[last].outputs[0])
    lowering.add(output, last)
    return lowering.joined(output.name, made)


def _class_of(lowering: Lowering, tensor: str, function: HostFunction) -> str:
    place = lowering.tensors[tensor]
    if not np.array_equal(place.order, np.arange(len(place.order))):
        raise UserError(
            "its scores are an image", where="--output class", hint="use --output scores: the host computes classes"
        )
    assert place.producer is not None
    comparison = class_comparison(function, reachable_values(lowering.model, tensor))
    port = lowering.operators[place.producer].outputs[0]
    port = replace(port, shape=(port.elements,))
    return lowering.add(_arg_max(port, comparison), place.producer)


def _arg_max(scores: Port, comparison: Affine | Ranks | None) -> ArgMax:
    if comparison is None:
        return ArgMax("arg_max", scores)
    if isinstance(comparison, Affine):
        return ArgMax("arg_max", scores, comparison.factors, comparison.offsets)
    # Where only every second score occurs, the lowest bit of their codes says nothing.
    shift = int(comparison.values.step == 2 and scores.type.bits > 1)
    ranks = np.zeros((scores.elements, 1 << (scores.type.bits - shift)), dtype=np.int64)
    ranks[:, scores.type.encode(np.array(comparison.values)) >> shift] = comparison.ranks
    return ArgMax("arg_max", scores, ranks=ranks)
