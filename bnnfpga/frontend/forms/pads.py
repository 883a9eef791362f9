"""The widths of a Pad, in the file's form and in the plain one."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant
from bnnfpga.numbers.integers import IntArray


def pad_widths(model: Model, node: Node) -> IntArray:
    """The elements that a Pad adds before and after each axis, int64 (2, rank); negative where it crops.

    Raises
    ------
    UserError
        If the widths are not constant or do not match the axes.
    """
    rank = len(model.shape(node.input[0]))
    widths = np.zeros((2, rank), dtype=np.int64)
    plain = attribute(node, "pads", None)
    if plain is not None:
        widths[:, 1] = channel_pads(node)
        widths[:, 2:] = np.reshape(plain, (2, -1))
        return widths
    listed = required_constant(model, node, 1, "pads").astype(np.int64).ravel()
    axes: IntArray | None = np.arange(rank)
    if len(node.input) > 3 and node.input[3]:
        axes = model.constant(node.input[3])
    if axes is None or len(listed) != 2 * axes.size:
        raise UserError(
            "its pads do not fit its axes",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    widths[:, np.ravel(axes) % rank] = listed.reshape(2, -1)
    return widths


def channel_pads(node: Node) -> tuple[int, int]:
    """The channels that a plain Pad adds before and after those of the image."""
    before, behind = attribute(node, "channels", [0, 0])
    return before, behind
