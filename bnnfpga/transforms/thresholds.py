"""Chains from an integer to a quantizer, as integer thresholds found by evaluating them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.arithmetic import Step, apply_steps
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model, Node, make_node
from bnnfpga.frontend.nodes import (
    CHAINED,
    QUANTIZERS,
    comes_from_constants,
    data_operands,
    describe,
    elementwise_operand,
)
from bnnfpga.frontend.quantizers import Quantizer, quantizer_of
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
_MOST_THRESHOLDS = 1 << 18
"""Thresholds of constants for each element: about as many as the block memory of a small FPGA holds."""
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
        placed: list[PlacedStep] = []
        pools: list[tuple[Node, int]] = []
        for item in chain:
            if item.op_type == "MaxPool":
                pools.append((item, len(placed)))
            else:
                own = quantizer.steps if item is node else elementwise_steps(model, item)
                placed += [PlacedStep(step, item, tuple(model.shape(item.output[0]))) for step in own]
        steps = _on_one_axis(model, placed, source, quantizer, pooled=bool(pools))
        values = reachable_values(model, source)
        function = step_function(steps, values, where=describe(node))
        falls = [(pool, _falls_behind(steps, place, values, describe(pool))) for pool, place in pools]
        _replace(model, chain, source, function)
        put_pools_behind(model, node.output[0], falls)
        return True


@dataclass(frozen=True)
class PlacedStep:
    """A step, the node that it is of, and the shape of that node's tensor."""

    step: Step
    node: Node
    shape: tuple[int, ...]


def _on_one_axis(
    model: Model, placed: Sequence[PlacedStep], source: str, quantizer: Quantizer, *, pooled: bool
) -> list[Step]:
    """The steps of a chain with constants for each channel, or for each element where one of them varies by pixel.

    Raises
    ------
    UserError
        If there are constants for each pixel where that cannot be: around a pool, or for more thresholds than fit.
    """
    by_pixel = [item for item in placed if set(item.step.varies(item.shape)) - {1}]
    if not by_pixel:
        return [item.step.along((1,), item.shape) for item in placed]
    first = by_pixel[0]
    elements = math.prod(first.shape)
    if pooled or elements * (quantizer.hi - quantizer.lo) > _MOST_THRESHOLDS:
        hint = f"use a number for each channel, of shape {(first.shape[1], *[1] * (len(first.shape) - 2))}"
        if model.producer(source) is None:
            hint += ", or leave --input away: then the host computes it"
        reason = (
            "a pool stands beside it"
            if pooled
            else f"the {elements:,} elements would have more than {_MOST_THRESHOLDS:,} thresholds"
        )
        raise UserError(
            f"its constants differ from pixel to pixel, and {reason}", where=describe(first.node), hint=hint
        )
    return [item.step.along(range(len(item.shape)), item.shape) for item in placed]


def _falls_behind(steps: Sequence[Step], place: int, values: range, where: str) -> NDArray[np.bool_]:
    """By channel, whether the steps from number `place` on fall with what the steps before them give."""
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
        is_own_pool = producer.op_type == "MaxPool" and model.only_reader(source) is not None
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
        The chain; their constants are of one number or one for each channel, as `Step.along` makes them.
    values
        The integers that can occur, ascending.
    where
        The node to name in an error.

    Raises
    ------
    UserError
        If a channel neither rises nor falls throughout.
    """
    places, steps = _distinct(steps)
    channels = max((step.channels for step in steps), default=1)

    def codes_of(x: IntArray, some: Sequence[Step]) -> NDArray[np.int32]:
        """(n, channels or 1) integers to (n, channels) codes of these steps."""
        result = apply_steps(some, x.astype(np.float32))
        if not np.all(np.isfinite(result)):
            raise UserError(
                "it gives NaN or infinity for numbers that can occur",
                where=where,
                hint="look at the scales and batch norms in front of it; train or export the model again",
            )
        width = max((step.channels for step in some), default=1)
        return np.broadcast_to(result, (len(x), width)).astype(np.int32)

    ends = codes_of(np.array([[values[0]], [values[-1]]]), steps)
    decreasing = ends[0] > ends[1]
    lo, hi = int(ends.min()), int(ends.max())
    tabulated = len(values) <= _MOST_EVALUATED
    width = max(1, _CHUNK // len(values)) if tabulated else channels
    parts = [slice(first, min(first + width, channels)) for first in range(0, channels, width)]
    # By channel, how many values come before each code is reached.
    counts: list[Callable[[int], IntArray]] = []
    for part in parts:
        some = [step.some(part) for step in steps]
        if tabulated:
            codes = codes_of(np.array(values)[:, None], some)
            change = np.diff(codes, axis=0)
            rising, falling = np.all(change >= 0, axis=0), np.all(change <= 0, axis=0)
            # A type holds at least two values, also where the function is constant; and two for codes of -1 to +1.
            wanted = range(min(lo + 1, 0), max(hi, lo + 1, 1) + 1)
            table = {code: _count_by_table(codes)(code) for code in wanted}
            counts.append(table.__getitem__)
        else:
            slope = _proven_slope(some, part.stop - part.start, where)
            rising, falling = slope >= 0, slope <= 0
            counts.append(_count_by_bisection(lambda x: codes_of(x, steps), values, decreasing))
        if not np.all(rising | falling):
            channel = int(np.argmax(places == part.start + int(np.argmin(rising | falling))))
            raise UserError(
                f"the function in front of it neither rises nor falls throughout (channel {channel})",
                where=where,
                hint="keep the slopes of PRelu and LeakyRelu from 0 on, or put a quantizer in front of what turns "
                "around",
            )

    def thresholds(codes: Iterable[int]) -> IntArray:
        """Where each code is reached; behind the last value, the next integer will do."""
        before = (np.concatenate([count(code) for count in counts]) for code in codes)
        reached = [np.minimum(values.start + values.step * number, values[-1] + 1) for number in before]
        return np.sort(np.stack(reached, axis=1), axis=1)[places]

    if lo >= -1 and hi <= 1:
        ternary = thresholds((0, 1))
        if np.array_equal(ternary[:, 0], ternary[:, 1]):
            return StepFunction(ternary[:, :1], decreasing[places], IntegerType.bipolar())
    hi = max(hi, lo + 1)
    return StepFunction(thresholds(range(lo + 1, hi + 1)), decreasing[places], IntegerType.interval(lo, hi))


def _distinct(steps: Sequence[Step]) -> tuple[IntArray, list[Step]]:
    """The channels that differ in any constant: of each channel the number of its like, and the steps of those."""
    channels = max((step.channels for step in steps), default=1)
    varying = [step.constant for step in steps if step.constant is not None and step.channels > 1]
    if not varying:
        return np.zeros(channels, dtype=np.int64), list(steps)
    rows = np.concatenate([constant.reshape(channels, -1) for constant in varying], axis=1)
    # By their bits: 0 and -0 are not alike to a division.
    bits = np.ascontiguousarray(rows, dtype=np.float32).view(np.int32)
    _, first, places = np.unique(bits, axis=0, return_index=True, return_inverse=True)
    return places.reshape(-1), [step.some(first) for step in steps]


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
        origin=node.origin,
        domain=THRESHOLD_DOMAIN,
        lo=function.output.lo,
        hi=function.output.hi,
        bipolar=int(function.output.is_bipolar),
    )
    model.replace(node, new)
    # Nodes of the chain may serve another one too.
    model.remove_unread(*chain[:-1])
