"""The meaning of each operator of a clean graph: the golden session's graph is written node by node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bnnfpga.frontend.contract.table import kinds_that
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import data_operands, elementwise_operand
from bnnfpga.golden.affine import is_affine
from bnnfpga.golden.dot_products import dot_product
from bnnfpga.golden.joined import of_parts
from bnnfpga.golden.joins import add_streams, concat, gather, resize
from bnnfpga.golden.layout_changes import change_layout
from bnnfpga.golden.multiplied import multiply_streams
from bnnfpga.golden.pools import average_pool, max_pool, pad
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.golden.writer import Value, Writer
from bnnfpga.numbers.arithmetic import apply_steps

NodeMeaning = Callable[[Writer, Node], Value]


def value_of(writer: Writer, node: Node) -> Value:
    """Write the computation of a node, whose operands' values are known, and return its value.

    Raises
    ------
    UserError
        If the golden model has no meaning for it.
    """
    by_parts = of_parts(writer, partial(value_of, writer), node)
    if by_parts is not None:
        return by_parts
    return MEANINGS.get(node.op_type, _elementwise)(writer, node)


def _quantizer(writer: Writer, node: Node) -> Value:
    quantizer = quantizer_of(writer.model, node)
    source = writer.value(node.input[0])
    magnitude = max(abs(quantizer.lo), abs(quantizer.hi))
    if source.constant is not None:
        codes = apply_steps(quantizer.steps, source.constant)
        return Value(integers=writer.constant(codes), scales=(quantizer.scale,), magnitude=magnitude, constant=codes)
    codes_name = writer.emit_steps(quantizer.steps, writer.float_of(source))
    return Value(integers=codes_name, scales=(quantizer.scale,), magnitude=magnitude, base=codes_name)


def _concat(writer: Writer, node: Node) -> Value:
    return concat(writer, partial(value_of, writer), node)


def _elementwise(writer: Writer, node: Node) -> Value:
    steps = elementwise_steps(writer.model, node)
    value = writer.value(elementwise_operand(writer.model, node))
    if value.base is not None and value.affine is not None and is_affine(steps):
        return Value.of_integers(value.base, (*value.affine, *steps), value.magnitude)
    scale = steps[0].constant
    if [step.operation for step in steps] == ["multiply"] and scale is not None and value.integers is not None:
        return replace(value, scales=(*value.scales, scale), tensor=None)
    return Value(
        tensor=writer.emit_steps(steps, writer.float_of(value)),
        base=value.base,
        magnitude=value.magnitude,
        joined=value.joined and replace(value.joined, chain=(*value.joined.chain, node)),
    )


def _with_constant_or(pairs: NodeMeaning) -> NodeMeaning:
    """The meaning of an operator on a stream and a constant, or on two streams, which is `pairs`."""

    def meaning(writer: Writer, node: Node) -> Value:
        return (pairs if len(data_operands(writer.model, node)) > 1 else _elementwise)(writer, node)

    return meaning


MEANINGS: dict[str, NodeMeaning] = {
    **dict.fromkeys(kinds_that(lambda traits: traits.quantizes), _quantizer),
    **dict.fromkeys(kinds_that(lambda traits: traits.dot_product), dot_product),
    **dict.fromkeys(kinds_that(lambda traits: traits.layout), change_layout),
    **dict.fromkeys(("Add", "Sub"), _with_constant_or(add_streams)),
    "Mul": _with_constant_or(multiply_streams),
    "AveragePool": average_pool,
    "Concat": _concat,
    "Gather": gather,
    "MaxPool": max_pool,
    "Pad": pad,
    "Resize": resize,
}
"""Meanings by operator; all others are elementwise and mean their steps (`bnnfpga.golden.steps`)."""
