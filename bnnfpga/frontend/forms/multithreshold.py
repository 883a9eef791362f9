"""FINN's MultiThreshold: its parameters, and its output as integers on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant
from bnnfpga.numbers.arithmetic import Floats

_LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}
"""FINN's default layouts, by number of axes."""
_MAX_LEVELS = 255
_MAX_OFFSET = 1 << 24
_TOLERANCE = 2.0**-20
"""Tolerance for the ratio of two float32 attributes."""


@dataclass(frozen=True)
class OutputGrid:
    """The node's output is unit * (factor * count + offset); all but the positive unit are integers."""

    unit: float
    factor: int
    offset: int


def thresholds_of(model: Model, node: Node) -> Floats:
    """The thresholds, shaped to broadcast against the tensor, with the levels as an extra last axis.

    Raises
    ------
    UserError
        If they are not constant, do not match the tensor's channels, or are more than 255.
    """
    thresholds = _at_least(required_constant(model, node, 1, "thresholds"))
    shape = model.shape(node.input[0])
    axis = channel_axis(node, len(shape))
    if thresholds.ndim != 2 or thresholds.shape[0] not in (1, shape[axis] if axis < len(shape) else 1):
        raise UserError(
            f"its thresholds have shape {thresholds.shape}, which does not fit a tensor of shape {tuple(shape)}",
            where=describe(node),
            hint="give (channels, levels) or (1, levels)",
        )
    channels, levels = int(thresholds.shape[0]), int(thresholds.shape[1])
    if not 1 <= levels <= _MAX_LEVELS:
        raise UserError(
            f"it has {levels} thresholds; 1 to {_MAX_LEVELS} can be compiled",
            where=describe(node),
            hint="quantise to fewer bits",
        )
    trailing = [1] * (len(shape) - axis - 1)
    shaped: Floats = thresholds[0] if channels == 1 else thresholds.reshape(channels, *trailing, levels)
    return shaped


def channel_axis(node: Node, rank: int) -> int:
    """The axis of the node's channels in a tensor with `rank` axes."""
    layout = str(attribute(node, "data_layout", "")) or _LAYOUTS.get(rank, "")
    return layout.find("C") if "C" in layout else 1


def set_channel_axis(model: Model, node: Node, axis: int, rank: int) -> None:
    """Move the node's channels to another axis."""
    others = "NHWDE"[: rank - 1]
    model.set_attributes(node, data_layout=f"{others[:axis]}C{others[axis:]}")


def _at_least(thresholds: NDArray[Any]) -> Floats:
    """Thresholds rounded up to float32: float32 values reach them exactly if they reach the float64 thresholds."""
    rounded: Floats = thresholds.astype(np.float32)
    return np.where(rounded < thresholds, np.nextafter(rounded, np.float32(np.inf)), rounded)


def output_grid(scale: float, bias: float) -> OutputGrid | None:
    """The grid of scale * count + bias in units of the scale or half of it; None if neither fits."""
    for parts in (1, 2):
        offset = bias / scale * parts if scale else np.inf
        if abs(offset) <= _MAX_OFFSET and abs(offset - np.rint(offset)) <= _TOLERANCE * max(1.0, abs(offset)):
            sign = 1 if scale > 0 else -1
            return OutputGrid(abs(scale) / parts, sign * parts, sign * int(np.rint(offset)))
    return None


def output_of(node: Node) -> tuple[float, float]:
    """Scale and bias of the node's output."""
    return float(attribute(node, "out_scale", 1.0)), float(attribute(node, "out_bias", 0.0))


def set_output(model: Model, node: Node, scale: float, bias: float) -> None:
    """Change the scale and bias of the node's output."""
    model.set_attributes(node, out_scale=float(scale), out_bias=float(bias))


def reshape_thresholds(model: Model, node: Node, before: list[int], after: list[int]) -> bool:
    """Adapt the node to another shape of its tensor; False if its per-channel thresholds cannot be."""
    thresholds = thresholds_of(model, node)
    if thresholds.ndim == 1:
        return True
    if len(after) != 2:
        return False
    levels = thresholds.shape[-1]
    whole = np.broadcast_to(thresholds, (*before, levels)).reshape(-1, levels)
    model.set_input(node, 1, model.add_constant(f"{node.name}_thresholds", np.ascontiguousarray(whole)))
    model.set_attributes(node, data_layout="NC")
    return True
