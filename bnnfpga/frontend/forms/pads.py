"""How wide a Pad is, in the file's form and in the plain one."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant
from bnnfpga.numbers.integers import IntArray


def pad_widths(model: Model, node: Node) -> IntArray:
    """How many elements a Pad puts in front of each axis, and behind it, (2, rank); negative where it takes some away.

    Raises
    ------
    UserError
        If the widths are no constants, or do not fit the axes.
    """
    rank = len(model.shape(node.input[0]))
    widths = np.zeros((2, rank), dtype=np.int64)
    plain = attribute(node, "pads", None)
    if plain is not None:
        widths[:, 1] = channel_pads(node)
        widths[:, 2:] = np.reshape(plain, (2, -1))
        return widths
    given = required_constant(model, node, 1, "pads").astype(np.int64).ravel()
    axes: IntArray | None = np.arange(rank)
    if len(node.input) > 3 and node.input[3]:
        axes = model.constant(node.input[3])
    if axes is None or len(given) != 2 * axes.size:
        raise UserError(
            "its pads do not fit its axes",
            where=describe(node),
            hint="the file is damaged or was made by hand; export the model again",
        )
    widths[:, np.ravel(axes) % rank] = given.reshape(2, -1)
    return widths


def channel_pads(node: Node) -> tuple[int, int]:
    """How many channels a plain Pad puts in front of an image's own, and behind them."""
    before, behind = attribute(node, "channels", [0, 0])
    return before, behind
