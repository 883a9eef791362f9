"""Chains of steps with max pools and constants for each pixel: which steps tell what apart, and where pools go."""

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
"""Values of an integer up to which what stands beside a pool is evaluated on every one."""
_MAX_OF_CHANNEL = 1 << 22
"""Values of all pixels of a channel up to which they are."""

Directions = NDArray[np.bool_]


@dataclass(frozen=True)
class PlacedStep:
    """A step, the node that it is of, and the shape of that node's tensor."""

    step: Step
    node: Node
    shape: tuple[int, ...]


@dataclass(frozen=True)
class FittedChain:
    """A chain whose steps all tell the same apart: nothing, channels, or elements.

    Parameters
    ----------
    steps
        With constants as `Step.along` makes them.
    in_front, behind
        Its pools, in front of the steps or behind them; by channel, whether they take the smallest.
    by_pixel
        The first node whose constants differ from pixel to pixel; None where the steps tell channels apart at most.
    """

    steps: list[Step]
    in_front: list[tuple[Node, Directions]]
    behind: list[tuple[Node, Directions]]
    by_pixel: Node | None


def fit_chain(model: Model, chain: Sequence[PlacedStep | Node], values: range) -> FittedChain:
    """Bring the steps of a chain in a row, its pools behind them, or in front where steps behind tell pixels apart.

    Parameters
    ----------
    chain
        Steps and max pools on an integer tensor, in order.
    values
        The integers that it can hold.

    Raises
    ------
    UserError
        If constants for each pixel stand on both sides of a pool, or what stands beside one neither rises nor falls.
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
            # What turns around behind a pool does not stop what rises or falls in front of it.
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
    """A step for each element of a tensor of this shape, whose pixels are the step's own or do not matter to it."""
    if list(item.shape) == list(shape):
        return item.step.along(range(len(shape)), shape)
    step = item.step.along((1,), item.shape)
    pixels = math.prod(shape[2:])

    def repeated(leaf: Step) -> Step:
        assert leaf.constant is not None
        return leaf if len(leaf.constant) == 1 else leaf.with_constant(np.repeat(leaf.constant, pixels, axis=0))

    return step.each(repeated)


def _falls_behind(steps: Sequence[Step], place: int, values: range, pixels: int, where: str) -> Directions:
    """By channel, whether the steps from number `place` on fall with what those before them give in any pixel."""
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
        given = apply_steps([_of_channel(step, channel) for step in head], x)
        codes = apply_steps([_of_channel(step, channel, pixels=1) for step in tail], np.unique(given)[:, None])
        falls.append(_direction(codes[:, 0], channel, where))
    return np.array(falls)


def _of_channels(step: Step, elements: int, channels: int) -> Step:
    """A step whose constant has axes of channels and pixels; of one number it has one of each."""

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
    """By channel, whether steps in front of a pool fall with the integers."""
    if len(values) > _MAX_EVALUATED:
        return _proven_slope(steps, channels, where) < 0
    given = apply_steps(steps, np.array(values, dtype=np.float32)[:, None])
    columns = np.broadcast_to(given, (len(values), channels)).T
    return np.array([_direction(column, channel, where) for channel, column in enumerate(columns)])


def _direction(results: Floats, channel: int, where: str) -> bool:
    """Whether results of ascending numbers fall; an error where they do both."""
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
    """Sign of the slope of steps beside a pool by channel, from that of each.

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
