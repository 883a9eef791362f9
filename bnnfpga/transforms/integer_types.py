"""Which tensors of a graph hold integers, and the range of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.forms.sliding import geometry_of, pad_value, reaches_into_pads
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.sum_types import dot_product_type

THRESHOLD_DOMAIN = "bnnfpga"
_INPUT_TYPE = "bnnfpga.input"
"""Metadata of a model with integer input: its interval and encoding (QONNX's types have no intervals)."""

INTEGER_POOL = "IntegerPool"
"""The maximum or minimum under a kernel; inputs (x, 1 per channel for the minimum), attributes of MaxPool."""
INTEGER_SUM = "IntegerSum"
"""The sum of the integers under a kernel; attributes of AveragePool."""
INTEGER_ADD = "IntegerAdd"
"""The sum of integers, each multiplied by its element of the attribute `factors`."""
INTEGER_PRODUCT = "IntegerProduct"
"""The product of two integers."""
INTEGER_CONCAT = "IntegerConcat"
"""The concatenation of integers along `axis`, each multiplied by its element of the attribute `factors`."""
THRESHOLD = "IntegerThreshold"
"""An integer step function per channel; inputs (x, thresholds, decreasing), attributes lo, hi, bipolar."""
TABLE = "IntegerTable"
"""Any function of an integer, per channel or for all; inputs (x, results indexed by x minus the attribute `first`),
attributes lo, hi, bipolar."""

_FACT = "integer type"


def make_join(model: Model, node: Node, operation: str, factors: Sequence[int]) -> None:
    """Turn a node with several integer operands into an INTEGER_ADD or INTEGER_CONCAT with these factors."""
    along = {"axis": attribute(node, "axis", 1)} if operation == INTEGER_CONCAT else {}
    model.become(node, operation, THRESHOLD_DOMAIN, {"factors": list(factors), **along})


def type_attributes(type: IntegerType) -> dict[str, int]:
    """The attributes that state the output type of a THRESHOLD or TABLE."""
    return {"lo": type.lo, "hi": type.hi, "bipolar": int(type.is_bipolar)}


def is_threshold(node: Node) -> bool:
    """Whether a node is a THRESHOLD."""
    return node.op_type == THRESHOLD


def annotate_input(model: Model, type: IntegerType) -> None:
    """Record that the graph's input holds integers of `type`."""
    model.set_metadata(_INPUT_TYPE, f"{type.lo} {type.hi} {type.encoding}")


def integer_type(model: Model, tensor: str) -> IntegerType | None:
    """The type of an integer tensor; None if `tensor` holds floats."""

    def follow(at: str) -> tuple[IntegerType | None, bool] | list[str]:
        node = model.producer(at)
        if node is None:
            return (_input_type(model) if at == model.input else None), False
        rule = _RULES.get(node.op_type)
        if rule is None:
            return None, False
        operands = node.input[: rule.operands]
        missing = [name for name in operands if not model.knows(_FACT, name)]
        if missing:
            return missing
        types = [model.known(_FACT, name) for name in operands]
        return (None if None in types else rule.type(model, node, types)), bool(operands)

    type: IntegerType | None = model.fact(_FACT, tensor, follow)
    return type


def _input_type(model: Model) -> IntegerType | None:
    annotation = model.metadata.get(_INPUT_TYPE)
    if annotation is None:
        return None
    lo, hi, encoding = annotation.split()
    return IntegerType(int(lo), int(hi), encoding)  # type: ignore[arg-type]


def integer_weights(model: Model, tensor: str) -> IntArray | None:
    """A constant tensor as int64; None if it is not constant or not integer."""
    value = model.constant(tensor)
    if value is None or not np.array_equal(value, np.rint(value)) or not np.all(np.abs(value) < 1 << 62):
        return None
    return value.astype(np.int64)


def rows_of(weights: IntArray) -> IntArray:
    """Weights as (outputs, products per output), from those of a MatMul (inputs, outputs) or a Conv (outputs, ...)."""
    return weights.T if weights.ndim == 2 else weights.reshape(len(weights), -1)


def reachable_values(model: Model, tensor: str) -> range:
    """An ascending range that holds every value an integer tensor can take, possibly billions.

    Sums of -1 and +1 have the parity of their number of terms, so it skips every second value of their interval.
    """
    type = integer_type(model, tensor)
    assert type is not None
    node = model.producer(tensor)
    while node is not None and traits_of(node).layout:
        node = model.producer(node.input[0])
    step = 1
    if type.is_bipolar:
        step = 2
    elif node is not None and traits_of(node).dot_product:
        inputs = integer_type(model, node.input[0])
        weights = integer_weights(model, node.input[1])
        assert inputs is not None
        assert weights is not None
        padded = reaches_into_pads(model, node)
        if inputs.is_bipolar and not padded and np.all(rows_of(weights).sum(axis=1) % 2 == type.lo % 2):
            step = 2
    return range(type.lo, type.hi + 1, step)


@dataclass(frozen=True)
class _TypeRule:
    """How to derive a node's output type from the types of its first `operands` inputs, of all if that is None."""

    operands: int | None
    type: Callable[[Model, Node, list[IntegerType]], IntegerType | None]


def _of_codes(model: Model, node: Node, types: list[IntegerType]) -> IntegerType | None:
    quantizer = quantizer_of(model, node)
    if quantizer.scale.size != 1 or quantizer.scale.item() != 1:
        return None
    return IntegerType.bipolar() if quantizer.bipolar else IntegerType.interval(quantizer.lo, quantizer.hi)


def _as_declared(model: Model, node: Node, types: list[IntegerType]) -> IntegerType:
    if attribute(node, "bipolar", 0):
        return IntegerType.bipolar()
    return IntegerType.interval(attribute(node, "lo", 0), attribute(node, "hi", 0))


def _as_first(model: Model, node: Node, types: list[IntegerType]) -> IntegerType:
    return types[0]


def _of_dot_products(model: Model, node: Node, types: list[IntegerType]) -> IntegerType | None:
    weights = integer_weights(model, node.input[1])
    if weights is None:
        return None
    return dot_product_type(rows_of(weights), types[0], padded=reaches_into_pads(model, node))


def _of_window_sums(model: Model, node: Node, types: list[IntegerType]) -> IntegerType:
    geometry = geometry_of(model, node)
    ends = [types[0].lo, types[0].hi, *([0] if geometry.touches_pads else [])]
    return IntegerType(geometry.taps * min(ends), geometry.taps * max(ends), "signed")


def _with_pads(model: Model, node: Node, types: list[IntegerType]) -> IntegerType | None:
    value = pad_value(model, node)
    if value % 1:
        return None
    adds = any(channel_pads(node)) or any(geometry_of(model, node).pads)
    if not adds or bool(types[0].holds(np.array(value))):
        return types[0]
    return IntegerType.interval(min(types[0].lo, int(value)), max(types[0].hi, int(value)))


def _of_products(model: Model, node: Node, types: list[IntegerType]) -> IntegerType:
    return types[0].times(types[1])


def _of_sums(model: Model, node: Node, types: list[IntegerType]) -> IntegerType:
    parts = _multiples(node, types)
    return IntegerType.interval(sum(part.lo for part in parts), sum(part.hi for part in parts))


def _of_concatenations(model: Model, node: Node, types: list[IntegerType]) -> IntegerType:
    parts = _multiples(node, types)
    if all(part == parts[0] for part in parts):
        return parts[0]
    return IntegerType.interval(min(part.lo for part in parts), max(part.hi for part in parts))


def _multiples(node: Node, types: list[IntegerType]) -> list[IntegerType]:
    return [
        type if factor == 1 else IntegerType.interval(*sorted((factor * type.lo, factor * type.hi)))
        for type, factor in zip(types, attribute(node, "factors", []), strict=True)
    ]


_RULES = {
    **dict.fromkeys(kinds_that(lambda traits: traits.quantizes), _TypeRule(0, _of_codes)),
    **dict.fromkeys(kinds_that(lambda traits: traits.dot_product), _TypeRule(1, _of_dot_products)),
    **dict.fromkeys(kinds_that(lambda traits: traits.moves or traits.takes_extremum), _TypeRule(1, _as_first)),
    **dict.fromkeys(kinds_that(lambda traits: traits.pads), _TypeRule(1, _with_pads)),
    THRESHOLD: _TypeRule(0, _as_declared),
    TABLE: _TypeRule(0, _as_declared),
    INTEGER_POOL: _TypeRule(1, _as_first),
    INTEGER_SUM: _TypeRule(1, _of_window_sums),
    INTEGER_ADD: _TypeRule(None, _of_sums),
    INTEGER_PRODUCT: _TypeRule(None, _of_products),
    INTEGER_CONCAT: _TypeRule(None, _of_concatenations),
}
"""Rules by operator; all other operators produce floats."""
