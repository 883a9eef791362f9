"""Chains from an integer to a quantizer, as integer thresholds found by evaluating them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.arithmetic import Step, apply_steps
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model, Node, make_node
from bnnfpga.frontend.nodes import (
    BROADCASTING,
    CHAINED,
    QUANTIZERS,
    comes_from_constants,
    data_operands,
    describe,
    elementwise_operand,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.frontend.rewriting import Rewrite
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.integers import IntArray, IntegerType
from bnnfpga.transforms.integer_types import (
    THRESHOLD,
    THRESHOLD_DOMAIN,
    integer_type,
    reachable_values,
)
from bnnfpga.transforms.pools import put_pools_behind

_MOST_EVALUATED = 1 << 16
"""Values of an integer up to which a chain is evaluated on every one."""
_CHUNK = 1 << 22
"""Elements evaluated at a time, to bound memory."""


class ChainsToThresholds(Rewrite):
    """Everything between an integer tensor and a quantizer, the quantizer included, becomes an integer step function.

    The chain is evaluated in the golden arithmetic on the integers that can occur; no pattern is matched. The quantizer
    must have scale one.
    """

    def visit(self, model: Model, node: Node) -> bool:
        if node.op_type not in QUANTIZERS or comes_from_constants(model, node.input[0]):
            return False
        chain = chain_above(model, node)
        source = elementwise_operand(model, chain[0])
        quantizer = quantizer_of(model, node)
        if integer_type(model, source) is None or np.any(quantizer.scale != 1):
            return False
        steps: list[Step] = []
        pools: list[tuple[Node, int]] = []
        for item in chain[:-1]:
            _check_pixels(model, item, source)
            if item.op_type == "MaxPool":
                pools.append((item, len(steps)))
            else:
                steps += elementwise_steps(model, item)
        steps += quantizer.steps
        values = reachable_values(model, source)
        function = step_function(steps, values, where=describe(node))
        falls = [(pool, _falls_behind(steps, place, values, describe(pool))) for pool, place in pools]
        _replace(model, chain, source, function)
        put_pools_behind(model, node.output[0], falls)
        return True


def _check_pixels(model: Model, node: Node, source: str) -> None:
    """Refuse a constant with a number for each pixel: all pixels of a channel have the same thresholds."""
    shape = model.shape(node.output[0])
    for value in (model.constant(name) for name in node.input if node.op_type in BROADCASTING):
        if value is None or len(shape) < 3 or all(extent == 1 for extent in value.shape[2 - len(shape) :]):
            continue
        hint = f"use a number for each channel, of shape {(shape[1], *[1] * (len(shape) - 2))}"
        if model.producer(source) is None:
            hint += ", or leave --input away: then the host computes it"
        raise UserError(
            f"its constant of shape {value.shape} has numbers for each pixel, and thresholds are for whole channels",
            where=describe(node),
            hint=hint,
        )


def _falls_behind(steps: Sequence[Step], place: int, values: range, where: str) -> NDArray[np.bool_]:
    """By channel, whether the steps from number `place` on fall with what the steps before them give."""
    steps = [step.on_vectors() for step in steps]
    channels = max((step.channels for step in steps), default=1)
    tail = steps[place:]
    if len(values) > _MOST_EVALUATED:
        return _proven_slope(tail, channels, where) < 0
    head = apply_steps(steps[:place], np.array(values, dtype=np.float32)[:, None])
    codes = apply_steps(tail, np.sort(np.broadcast_to(head, (len(values), channels)), axis=0))
    change = np.diff(codes, axis=0)
    rises, falls = np.all(change >= 0, axis=0), np.all(change <= 0, axis=0)
    if not np.all(rises | falls):
        raise UserError(
            f"the function behind it neither rises nor falls throughout (channel {int(np.argmin(rises | falls))})",
            where=where,
            hint="put a quantizer in front of the pool",
        )
    result: NDArray[np.bool_] = ~rises
    return result


def chain_above(model: Model, node: Node) -> list[Node]:
    """The elementwise nodes and max pools that lead to `node`, from first to last, itself included.

    In front of the first is an integer tensor, or what is no elementwise node with one operand.
    """
    chain = [node]
    while True:
        source = elementwise_operand(model, chain[0])
        producer = model.producer(source)
        if producer is None or producer.op_type not in CHAINED or len(data_operands(model, producer)) != 1:
            return chain
        # A max pool of sums is one of their few codes: it comes behind the thresholds, where it is smaller.
        is_own_pool = producer.op_type == "MaxPool" and len(model.consumers(source)) == 1
        if integer_type(model, source) is not None and not is_own_pool:
            return chain
        chain.insert(0, producer)


@dataclass(frozen=True, eq=False)
class StepFunction:
    """Integer thresholds of each channel; with one channel, they hold for all.

    Parameters
    ----------
    thresholds
        int64 (channels, levels), ascending, between the lowest integer that can occur and one more than the highest.
    decreasing
        bool (channels,).
    output
        The codes. That of x is the lowest code plus the number of thresholds T with x >= T, or x < T in a decreasing
        channel; for bipolar codes, -1 or +1 for 0 or 1.
    """

    thresholds: IntArray
    decreasing: NDArray[np.bool_]
    output: IntegerType


def step_function(steps: Sequence[Step], values: range, *, where: str) -> StepFunction:
    """The step function that a chain of float32 steps ending in integer codes is.

    Codes that are never other than -1 and +1 are bipolar, whatever the quantizer allows.

    Parameters
    ----------
    steps
        The chain; constants are scalars or vary along the last axis only.
    values
        The integers that can occur, ascending.
    where
        The node to name in an error.

    Raises
    ------
    UserError
        If a channel neither rises nor falls throughout.
    """
    steps = [step.on_vectors() for step in steps]
    channels = max((step.channels for step in steps), default=1)

    def codes_of(x: IntArray) -> NDArray[np.int32]:
        """(n, channels or 1) integers to (n, channels) codes."""
        result = apply_steps(steps, x.astype(np.float32))
        if not np.all(np.isfinite(result)):
            raise UserError(
                "it gives NaN or infinity for numbers that can occur",
                where=where,
                hint="look at the scales and batch norms in front of it; train or export the model again",
            )
        return np.broadcast_to(result, (len(x), channels)).astype(np.int32)

    ends = codes_of(np.array([[values[0]], [values[-1]]]))
    if len(values) <= _MOST_EVALUATED:
        chunk = max(1, _CHUNK // channels)
        table = np.array(values)[:, None]
        codes = np.concatenate([codes_of(table[i : i + chunk]) for i in range(0, len(table), chunk)])
        change = np.diff(codes, axis=0)
        rising, falling = np.all(change >= 0, axis=0), np.all(change <= 0, axis=0)
        count = _count_by_table(codes)
    else:
        slope = _proven_slope(steps, channels, where)
        rising, falling = slope >= 0, slope <= 0
        count = _count_by_bisection(codes_of, values, ends[0] > ends[1])
    if not np.all(rising | falling):
        channel = int(np.argmin(rising | falling))
        raise UserError(
            f"the function in front of it neither rises nor falls throughout (channel {channel})",
            where=where,
            hint="keep the slopes of PRelu and LeakyRelu from 0 on, or put a quantizer in front of what turns around",
        )
    decreasing = ends[0] > ends[1]
    lo, hi = int(ends.min()), int(ends.max())

    def thresholds(codes: Iterable[int]) -> IntArray:
        """Where each code is reached; behind the last value, the next integer will do."""
        reached = [np.minimum(values.start + values.step * count(code), values[-1] + 1) for code in codes]
        return np.sort(np.stack(reached, axis=1), axis=1)

    if lo >= -1 and hi <= 1:
        ternary = thresholds((0, 1))
        if np.array_equal(ternary[:, 0], ternary[:, 1]):
            return StepFunction(ternary[:, :1], decreasing, IntegerType.bipolar())
    # A type holds at least two values, also where the function is constant.
    hi = max(hi, lo + 1)
    return StepFunction(thresholds(range(lo + 1, hi + 1)), decreasing, IntegerType.interval(lo, hi))


def _count_by_table(codes: NDArray[np.int32]) -> Callable[[int], IntArray]:
    """For a code c, by channel, the index of the first value on the far side: how many values come before it."""
    falls = codes[0] > codes[-1]

    def count(code: int) -> IntArray:
        reached = codes >= code
        before: IntArray = np.where(falls, reached.sum(axis=0), (~reached).sum(axis=0))
        return before

    return count


def _count_by_bisection(
    codes_of: Callable[[IntArray], NDArray[np.int32]], values: range, falls: NDArray[np.bool_]
) -> Callable[[int], IntArray]:
    """As `_count_by_table`, for chains that are proven monotone."""

    def count(code: int) -> IntArray:
        low = np.zeros(len(falls), dtype=np.int64)
        high = np.full(len(falls), len(values), dtype=np.int64)
        while np.any(low < high):
            middle = (low + high) // 2
            at = np.minimum(middle, len(values) - 1)
            before = (codes_of((values.start + values.step * at)[None, :])[0] >= code) == falls
            open_ = low < high
            low = np.where(open_ & before, middle + 1, low)
            high = np.where(open_ & ~before, middle, high)
        return low

    return count


def _proven_slope(steps: Sequence[Step], channels: int, where: str) -> NDArray[np.int8]:
    """Sign of the chain's slope by channel, from that of its steps.

    A float32 operation is monotone where the exact one is, because rounding is.
    """
    slope = np.ones(channels, dtype=np.int8)
    for step in steps:
        own = step.slope()
        if own is None:
            raise UserError(
                f"the function in front of it, of a sum with very many values, need not be monotone ({step.operation})",
                where=where,
                hint="only monotone functions become thresholds; put a quantizer in front of that step",
            )
        slope = slope * own.reshape(-1)
    return slope


def _replace(model: Model, chain: list[Node], source: str, function: StepFunction) -> None:
    node = chain[-1]
    thresholds = model.add_constant(f"{node.name}_thresholds", function.thresholds)
    decreasing = model.add_constant(f"{node.name}_decreasing", function.decreasing)
    new = make_node(
        THRESHOLD,
        [source, thresholds, decreasing],
        [node.output[0]],
        name=node.name,
        domain=THRESHOLD_DOMAIN,
        lo=function.output.lo,
        hi=function.output.hi,
        bipolar=int(function.output.is_bipolar),
    )
    model.replace(node, new)
    # Nodes of the chain may serve another one too.
    model.remove_unread(*chain[:-1])
