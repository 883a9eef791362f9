"""From folded integer operations to operators."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import ThresholdTable
from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import LAYOUT_OPS, attribute, consumers, describe, required_constant
from bnnfpga.integers import IntegerType
from bnnfpga.transforms.class_scores import Affine, Ranks, class_comparison
from bnnfpga.transforms.host_functions import HostFunction
from bnnfpga.transforms.integer_types import THRESHOLD, integer_type, integer_weights, reachable_values

_MOST_ACCUMULATOR_BITS = 32
_FEWEST_TABULATED = 4
_MOST_TABULATED_BITS = 10


def lower(model: ModelWrapper, output_function: HostFunction | None = None) -> Graph:
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
        behind a dot product is merged into its unit.

    Raises
    ------
    UserError
        If an operation has no unit.
    """
    operators: list[Operator] = []
    tensor = model.graph.input[0].name
    while tensor != model.graph.output[0].name:
        readers = consumers(model, tensor)
        if len(readers) != 1:
            raise UserError(
                f"{len(readers)} nodes read it; only chains can be compiled yet",
                where=f"tensor {tensor!r}",
                hint="export the model without branches",
            )
        node = readers[0]
        tensor = node.output[0]
        if node.op_type in LAYOUT_OPS:
            continue
        if node.op_type == "MatMul":
            behind = consumers(model, tensor)
            table = None
            if len(behind) == 1 and behind[0].op_type == THRESHOLD:
                table = _table(model, behind[0])
                tensor = behind[0].output[0]
            operators.append(_matrix_vector(model, node, table, _count(operators, MatrixVector)))
        elif node.op_type == THRESHOLD:
            type = integer_type(model, node.input[0])
            assert type is not None
            size = int(np.prod(model.get_tensor_shape(node.input[0])))
            operators.append(_elementwise(size, type, _table(model, node), operators))
        else:
            raise UserError(
                "no hardware unit does this", where=describe(node), hint="put a quantizer behind it, or leave it out"
            )
    if not operators:
        raise UserError(
            "it has no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
        )
    if output_function is not None:
        comparison = class_comparison(output_function, reachable_values(model, tensor))
        operators.append(_arg_max(operators[-1].outputs[0], comparison))
    operators.append(ScoreOutput("score_output", operators[-1].outputs[0]))
    graph = Graph()
    for operator in operators:
        graph.add(operator)
    for producer, consumer in pairwise(operators):
        graph.connect(producer.name, consumer.name)
    graph.set_boundary(operators[0].name, operators[-1].name)
    return graph


def _elementwise(size: int, type: IntegerType, table: ThresholdTable, operators: list[Operator]) -> Operator:
    """A table where one function serves all channels and has more than a few thresholds, else thresholds."""
    if len(table.values) > 1 or table.levels < _FEWEST_TABULATED or type.bits > _MOST_TABULATED_BITS:
        return Threshold(f"threshold{_count(operators, Threshold)}", (size,), type, table)
    codes = np.arange(1 << type.bits, dtype=np.int64)
    # Codes that cannot occur get the result of the nearest that can.
    values = np.clip(type.decode(codes), type.lo, type.hi)
    results = table.execute(values[:, None])[:, 0]
    return Lookup(f"lookup{_count(operators, Lookup)}", (size,), type, results, table.output)


def _count(operators: list[Operator], kind: type[Operator]) -> int:
    return sum(isinstance(operator, kind) for operator in operators)


def _table(model: ModelWrapper, node: onnx.NodeProto) -> ThresholdTable:
    values = required_constant(model, node, 1, "thresholds").astype(np.int64)
    decreasing = required_constant(model, node, 2, "directions").astype(bool)
    lo, hi = attribute(node, "lo", 0), attribute(node, "hi", 0)
    output = IntegerType.bipolar() if attribute(node, "bipolar", 0) else IntegerType.interval(lo, hi)
    return ThresholdTable(values, decreasing, output)


def _matrix_vector(
    model: ModelWrapper, node: onnx.NodeProto, table: ThresholdTable | None, number: int
) -> MatrixVector:
    weights = integer_weights(model, node.input[1])
    type = integer_type(model, node.input[0])
    if weights is None or type is None:
        raise UserError(
            "its operands are not both integers",
            where=describe(node),
            hint="put quantizers on the layer's input and weights",
        )
    axes = len(model.get_tensor_shape(node.input[0]))
    if axes != 2:
        raise UserError(
            f"its input has {axes} axes; a layer takes vectors (images, features)",
            where=describe(node),
            hint="flatten in front of the layer",
        )
    if weights.ndim != 2:
        raise UserError(
            f"its weights have {weights.ndim} axes, a layer's have 2",
            where=describe(node),
            hint="export the layer as Linear",
        )
    operator = MatrixVector(f"matrix_vector{number}", np.ascontiguousarray(weights.T), type, (), table)
    if operator.accumulator.bits > _MOST_ACCUMULATOR_BITS:
        raise UserError(
            f"its sums need {operator.accumulator.bits} bits; {_MOST_ACCUMULATOR_BITS} can be compiled",
            where=describe(node),
            hint="quantise its input or its weights to fewer bits, or give it fewer inputs",
        )
    return operator


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
