"""Chains of steps with max pools and per-pixel constants: what the steps vary over, and where the pools go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import describe
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps

_MAX_EVALUATED = 1 << 16
"""Maximum number of values of an integer on which the steps beside a pool are evaluated exhaustively."""
_MAX_OF_CHANNEL = 1 << 22
"""Maximum number of evaluations for that, over all pixels of a channel."""

Directions = NDArray[np.bool_]


@dataclass(frozen=True)
class PlacedStep:
    """A step, the node it belongs to, and the shape of that node's tensor."""

    step: Step
    node: Node
    shape: tuple[int, ...]


@dataclass(frozen=True)
class FittedChain:
    """A chain whose steps all have the same granularity: one constant for the tensor, per channel, or per element.

    Parameters
    ----------
    steps
        With constants in the form that `Step.along` returns.
    in_front, behind
        The pools before and after the steps, each with whether it takes the minimum, per channel.
    by_pixel
        The first node whose constants differ from pixel to pixel; None if they differ between channels at most.
    """

    steps: list[Step]
    in_front: list[tuple[Node, Directions]]
    behind: list[tuple[Node, Directions]]
    by_pixel: Node | None


def fit_chain(model: Model, chain: Sequence[PlacedStep | Node], values: range) -> FittedChain:
    """Separate the steps of a chain from its pools: these follow, or precede if steps after them vary by pixel.

    Parameters
    ----------
    chain
        Steps and max pools on an integer tensor, in order.
    values
        The integers that the tensor can hold.

    Raises
    ------
    UserError
        If there are per-pixel constants on both sides of a pool, or the function that a pool has to pass is not
        monotone.
    """
    placed = [item for item in chain if isinstance(item, PlacedStep)]
    pools: list[tuple[Node, int]] = []
    for index, item in enumerate(chain):
        if isinstance(item, Node):
            pools.append((item, index - len(pools)))
    own = [index for index, item in enumerate(placed) if set(item.step.varies(item.shape)) - {1}]
    if not own:
        steps = [item.step.along((1,), item.shape) for item in placed]
        try:
            falls = [(pool, _falls_behind(steps, place, values, 1, describe(pool))) for pool, place in pools]
        except UserError:
            # The steps after a pool are not monotone: move it to the front if the steps before it are.
            in_front = [
                (pool, _falls_in_front(steps[:place], values, model.shape(pool.output[0])[1], describe(pool)))
                for pool, place in pools
            ]
            return FittedChain(steps, in_front, [], None)
        return FittedChain(steps, [], falls, None)
    first = placed[own[0]].node
    if not pools:
        return FittedChain([item.step.along(range(len(item.shape)), item.shape) for item in placed], [], [], first)
    if own[-1] < pools[0][1]:
        shape = model.shape(pools[0][0].input[0])
        steps = [_by_element(item, shape) for item in placed]
        pixels = math.prod(shape[2:])
        falls = [(pool, _falls_behind(steps, place, values, pixels, describe(pool))) for pool, place in pools]
        return FittedChain(steps, [], falls, first)
    if own[0] >= pools[-1][1]:
        shape = model.shape(pools[-1][0].output[0])
        heads = [item.step.along((1,), item.shape) for item in placed[: pools[-1][1]]]
        in_front = [(pool, _falls_in_front(heads[:place], values, shape[1], describe(pool))) for pool, place in pools]
        return FittedChain([_by_element(item, shape) for item in placed], in_front, [], first)
    raise UserError(
        f"its constants differ from pixel to pixel on both sides of {describe(pools[0][0])}",
        where=describe(first),
        hint="use a number for each channel on one side of the pool, or put a quantizer in front of it",
    )


def _by_element(item: PlacedStep, shape: Sequence[int]) -> Step:
    """The step with a constant per element of a tensor of this shape; if its own differs, it varies by channel."""
    if list(item.shape) == list(shape):
        return item.step.along(range(len(shape)), shape)
    step = item.step.along((1,), item.shape)
    pixels = math.prod(shape[2:])

    def repeated(leaf: Step) -> Step:
        assert leaf.constant is not None
        return leaf if len(leaf.constant) == 1 else leaf.with_constant(np.repeat(leaf.constant, pixels, axis=0))

    return step.each(repeated)


def _falls_behind(steps: Sequence[Step], place: int, values: range, pixels: int, where: str) -> Directions:
    """Per channel, whether the steps from index `place` on fall over all results of the preceding steps."""
    elements = max((step.channels for step in steps), default=1)
    channels = -(-elements // pixels)
    own = [_of_channels(step, elements, channels) for step in steps]
    head, tail = own[:place], own[place:]
    if len(values) > _MAX_EVALUATED or len(values) * pixels > _MAX_OF_CHANNEL:
        first = [step.each(_first_pixel) for step in tail]
        return _proven_slope(first, channels, where) < 0
    x = np.array(values, dtype=np.float32)[:, None]
    falls = []
    for channel in range(channels):
        pooled = np.unique(apply_steps([_of_channel(step, channel) for step in head], x))
        codes = apply_steps([_of_channel(step, channel, pixels=1) for step in tail], pooled[:, None])
        falls.append(_direction(codes[:, 0], channel, where))
    return np.array(falls)


def _of_channels(step: Step, elements: int, channels: int) -> Step:
    """A step whose constant has a channel and a pixel axis; both have length one for a single number."""

    def parted(leaf: Step) -> Step:
        assert leaf.constant is not None
        rows = channels if len(leaf.constant) == elements else 1
        return leaf.with_constant(leaf.constant.reshape(rows, -1, *leaf.constant.shape[1:]))

    return step.each(parted)


def _of_channel(step: Step, channel: int, pixels: int | None = None) -> Step:

    def chosen(leaf: Step) -> Step:
        assert leaf.constant is not None
        return leaf.with_constant(leaf.constant[channel if len(leaf.constant) > 1 else 0][:pixels])

    return step.each(chosen)


def _first_pixel(leaf: Step) -> Step:
    assert leaf.constant is not None
    return leaf.with_constant(leaf.constant[:, 0])


def _falls_in_front(steps: Sequence[Step], values: range, channels: int, where: str) -> Directions:
    """Per channel, whether the steps before a pool fall as the integers rise."""
    if len(values) > _MAX_EVALUATED:
        return _proven_slope(steps, channels, where) < 0
    results = apply_steps(steps, np.array(values, dtype=np.float32)[:, None])
    columns = np.broadcast_to(results, (len(values), channels)).T
    return np.array([_direction(column, channel, where) for channel, column in enumerate(columns)])


def _direction(results: Floats, channel: int, where: str) -> bool:
    """Whether the results for ascending numbers fall; an error if they both rise and fall."""
    change = np.diff(results)
    if np.all(change >= 0):
        return False
    if np.all(change <= 0):
        return True
    raise UserError(
        f"the function beside it neither rises nor falls throughout (channel {channel})",
        where=where,
        hint="put a quantizer in front of the pool",
    )


def _proven_slope(steps: Sequence[Step], channels: int, where: str) -> NDArray[np.int8]:
    """The sign of the slope, per channel, of the steps beside a pool, from the slope of each step.

    A float32 operation is monotone where the exact one is, because rounding is.
    """
    slope = np.ones(channels, dtype=np.int8)
    for step in steps:
        own = step.slope()
        if own is None:
            raise UserError(
                f"the function beside it, of a sum with very many values, is not proven to rise or fall "
                f"({step.operation})",
                where=where,
                hint="put a quantizer in front of the pool",
            )
        slope = slope * own.reshape(-1)
    return slope
