"""Turning chains from an integer tensor to a quantizer into integer thresholds or tables, by evaluating them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.quantizers import Quantizer, quantizer_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    comes_from_constants,
    data_operands,
    describe,
    elementwise_operand,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.transforms.integer_pools import put_pools_behind, put_pools_in_front
from bnnfpga.transforms.integer_types import (
    TABLE,
    THRESHOLD,
    THRESHOLD_DOMAIN,
    integer_type,
    reachable_values,
    type_attributes,
)
from bnnfpga.transforms.pooled_chains import PlacedStep, fit_chain
from bnnfpga.transforms.step_functions import IntervalFunction, integer_function

_MAX_DIRECT_BITS = 10
"""Maximum width of an integer that directly indexes a table, if that is no larger than other forms."""
_MAX_COUNTED = 255
"""Maximum number of thresholds by which the interval of a non-monotone function is counted."""
_MAX_TABLE_BITS = 1 << 22
"""Maximum bits of a table, over all channels: about 230 block RAMs of 18 kbit."""


class ChainsToThresholds(Transform):
    """Replace the chain from an integer tensor to a quantizer, quantizer included, with an integer step function.

    The chain is evaluated in the golden arithmetic on the integers that can occur; no pattern is matched. A monotone
    function becomes thresholds, any other a table. The quantizer must have unit scale.
    """

    kinds = kinds_that(lambda traits: traits.quantizes)

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]):
            return False
        chain = chain_above(model, node)
        source = elementwise_operand(model, chain[0])
        quantizer = quantizer_of(model, node)
        if integer_type(model, source) is None or np.any(quantizer.scale != 1):
            return False
        values = reachable_values(model, source)
        fitted = fit_chain(model, _placed(model, chain, quantizer), values)
        if fitted.by_pixel is not None:
            # One level is a lower bound: do not evaluate what cannot fit.
            _check_table(model, fitted.by_pixel, source, max(step.channels for step in fitted.steps), 1)
        function = integer_function(fitted.steps, values, where=describe(node))
        if fitted.by_pixel is not None:
            table = function if isinstance(function, ThresholdTable) else function.intervals
            _check_table(model, fitted.by_pixel, source, table.rows, table.levels)
        source = put_pools_in_front(model, chain[0], source, fitted.in_front)
        _replace(model, chain, source, function)
        put_pools_behind(model, node.output[0], fitted.behind)
        return True


def _placed(model: Model, chain: Sequence[Node], quantizer: Quantizer) -> list[PlacedStep | Node]:
    """The steps and pools of a chain, in order."""
    placed: list[PlacedStep | Node] = []
    for item in chain:
        if traits_of(item).takes_extremum:
            placed.append(item)
        else:
            own = quantizer.steps if item is chain[-1] else elementwise_steps(model, item)
            placed += [PlacedStep(step, item, tuple(model.shape(item.output[0]))) for step in own]
    return placed


def _check_table(model: Model, node: Node, source: str, elements: int, levels: int) -> None:
    """Refuse per-pixel constants, which `node` has, if their thresholds are too many."""
    type = integer_type(model, source)
    assert type is not None
    bits = elements * levels * IntegerType.interval(type.lo, type.hi + 1).bits
    if bits <= _MAX_TABLE_BITS:
        return
    shape = model.shape(node.output[0])
    hint = f"use a number for each channel, of shape {(shape[1], *[1] * (len(shape) - 2))}, or quantise to fewer bits"
    if model.producer(source) is None:
        hint += ", or omit --input: then the host computes it"
    raise UserError(
        f"its constants differ from pixel to pixel, and {levels:,} {'threshold' if levels == 1 else 'thresholds'} for "
        f"each of {elements:,} elements have {bits:,} bits; at most {_MAX_TABLE_BITS:,} can be compiled",
        where=describe(node),
        hint=hint,
    )


def chain_above(model: Model, node: Node) -> list[Node]:
    """The chain of elementwise nodes and max pools that leads to `node`, in order, `node` included.

    It begins after an integer tensor, or after a node that is not elementwise with one operand.
    """
    chain = [node]
    while True:
        source = elementwise_operand(model, chain[0])
        producer = model.producer(source)
        if producer is None or len(data_operands(model, producer)) != 1:
            return chain
        # A pool commutes with a step function.
        pools = traits_of(producer).takes_extremum
        if not pools and not traits_of(producer).elementwise:
            return chain
        # A max pool of sums moves behind the thresholds, where it is smaller: their codes have few bits.
        is_own_pool = pools and model.only_reader(source) is not None
        if integer_type(model, source) is not None and not is_own_pool:
            return chain
        chain.insert(0, producer)


def _replace(model: Model, chain: list[Node], source: str, function: ThresholdTable | IntervalFunction) -> None:
    node = chain[-1]
    if isinstance(function, ThresholdTable):
        nodes = [_thresholds(model, node, source, function, node.output[0])]
    else:
        nodes = _table(model, node, source, function)
    model.replace(node, *nodes)
    # Nodes of the chain may be part of another chain too.
    model.remove_unread(*chain[:-1])


def _thresholds(model: Model, node: Node, source: str, table: ThresholdTable, result: str) -> Node:
    thresholds = model.add_constant(f"{node.name}_thresholds", table.values)
    decreasing = model.add_constant(f"{node.name}_decreasing", table.decreasing)
    ends = type_attributes(table.output)
    return Node(THRESHOLD, [source, thresholds, decreasing], [result], node.name, THRESHOLD_DOMAIN, ends, node.origin)


def _table(model: Model, node: Node, source: str, function: IntervalFunction) -> list[Node]:
    """A table indexed by the value itself if that is cheaper, otherwise by the number of thresholds it reaches."""
    type = integer_type(model, source)
    assert type is not None
    rows, levels, count = function.intervals.rows, function.intervals.levels, function.intervals.output
    width = function.output.bits
    by_value, by_count = rows * width << type.bits, rows * (levels * (type.bits + 1) + (width << count.bits))
    is_direct = type.bits <= _MAX_DIRECT_BITS and by_value <= by_count
    is_counted = levels <= _MAX_COUNTED and by_count <= _MAX_TABLE_BITS
    if is_direct or (not is_counted and by_value <= _MAX_TABLE_BITS):
        table = function.table(range(type.lo, type.hi + 1))
        return [_tabulated(model, node, source, table, type.lo, function.output)]
    if is_counted:
        counts = model.fresh_name(f"{node.name}_interval")
        model.set_shape(counts, model.shape(source))
        return [
            _thresholds(model, node, source, function.intervals, counts),
            _tabulated(model, node, counts, function.codes, 0, function.output),
        ]
    raise UserError(
        f"the function in front of it is not monotonic, and its table would have {by_value:,} bits ({rows} different "
        f"channels of {type.hi - type.lo + 1:,} values), or {levels} intervals per channel; {_MAX_TABLE_BITS:,} bits "
        f"or {_MAX_COUNTED} intervals can be compiled",
        where=describe(node),
        hint="quantise in front of the function to fewer bits, or use one that rises or falls",
    )


def _tabulated(model: Model, node: Node, source: str, table: IntArray, lo: int, output: IntegerType) -> Node:
    same = bool(np.all(table == table[:1]))
    codes = model.add_constant(f"{node.name}_table", table[:1] if same else table)
    ends = {"first": lo, **type_attributes(output)}
    return Node(TABLE, [source, codes], [node.output[0]], node.name, THRESHOLD_DOMAIN, ends, node.origin)
