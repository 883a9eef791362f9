"""Everything that picks or reorders channels as a Gather."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.model import Model, Node, make_node
from bnnfpga.frontend.nodes import (
    attribute,
    comes_from_constants,
    describe,
    required_constant,
)
from bnnfpga.frontend.rewriting import Rewrite


class ChannelsToGather(Rewrite):
    """Split and Slice along the channels, and channel shuffles, become Gathers of channels."""

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]):
            return False
        if node.op_type == "Split":
            _split(model, node)
        elif node.op_type == "Slice":
            _slice(model, node)
        elif not (node.op_type == "Transpose" and _shuffle(model, node)):
            return False
        return True


def channel_index(model: Model, node: Node) -> NDArray[np.int64]:
    """Which channels a Gather takes, in order.

    Raises
    ------
    UserError
        If it takes something else.
    """
    shape = model.shape(node.input[0])
    index = required_constant(model, node, 1, "index").astype(np.int64)
    if attribute(node, "axis", 0) % len(shape) != 1 or index.ndim != 1:
        raise UserError(
            "it takes something else than channels", where=describe(node), hint="only channels can be picked (axis 1)"
        )
    if index.size and not (-shape[1] <= index.min() and index.max() < shape[1]):
        raise UserError(f"it takes channels {index.tolist()} of {shape[1]}", where=describe(node), hint=EXPORT_AGAIN)
    return np.asarray(index % shape[1], dtype=np.int64)


def _gather(model: Model, node: Node, index: NDArray[np.int64], result: str, number: int) -> Any:
    operand = model.add_constant(f"{node.name}_index", index)
    name = node.name if number == 0 else f"{node.name}_{number}"
    return make_node("Gather", [node.input[0], operand], [result], name=name, axis=1)


def check_concats(model: Model) -> None:
    """Refuse concatenations of anything else than channels."""
    for node in model.nodes:
        if node.op_type == "Concat" and attribute(node, "axis", 0) % len(model.shape(node.output[0])) != 1:
            raise UserError("it joins something else than channels", where=describe(node), hint="join along axis 1")


def _check_axis(model: Model, node: Node, axis: int) -> int:
    """Channels of what a node splits or slices."""
    shape = model.shape(node.input[0])
    if axis % len(shape) != 1:
        raise UserError(f"it cuts along axis {axis}", where=describe(node), hint="only channels (axis 1) can be cut")
    return int(shape[1])


def _split(model: Model, node: Node) -> None:
    channels = _check_axis(model, node, attribute(node, "axis", 0))
    sizes = model.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else attribute(node, "split", None)
    count = len(node.output)
    if sizes is None:
        size = -(-channels // count)
        sizes = [size] * (count - 1) + [channels - size * (count - 1)]
    ends = np.cumsum(np.ravel(sizes))
    if len(ends) != count or ends[-1] != channels or min(np.ravel(sizes)) < 1:
        raise UserError(
            f"its parts of {np.ravel(sizes).tolist()} channels are not the {channels} that there are",
            where=describe(node),
            hint="the file is damaged or was made by hand; export the model again",
        )
    parts = [
        _gather(model, node, np.arange(end - size, end, dtype=np.int64), result, number)
        for number, (result, end, size) in enumerate(zip(node.output, ends, np.ravel(sizes), strict=True))
    ]
    model.replace(node, *parts)


def _slice(model: Model, node: Node) -> None:
    shape = model.shape(node.input[0])
    starts, ends = (required_constant(model, node, index, "range").ravel() for index in (1, 2))
    axes = model.constant(node.input[3]) if len(node.input) > 3 and node.input[3] else np.arange(len(starts))
    steps = model.constant(node.input[4]) if len(node.input) > 4 and node.input[4] else np.ones(len(starts), dtype=int)
    assert axes is not None
    assert steps is not None
    if not len(starts) == len(ends) == axes.size == steps.size:
        raise UserError(
            "its starts, ends, axes and steps are not equally many", where=describe(node), hint=EXPORT_AGAIN
        )
    taken = {}
    for axis, *numbers in zip(*(map(int, values.ravel()) for values in (axes, starts, ends, steps)), strict=True):
        index = _range(node, int(shape[axis]), *numbers)
        # Exporters write axes down of which they take everything.
        if index.tolist() != list(range(shape[axis])):
            taken[axis % len(shape)] = index
    if len(taken) > 1:
        raise UserError("it cuts along several axes", where=describe(node), hint="only channels (axis 1) can be cut")
    for axis in taken:
        _check_axis(model, node, axis)
    index = taken.get(1, np.arange(shape[1]))
    model.replace(node, _gather(model, node, index.astype(np.int64), node.output[0], 0))


def _range(node: Node, extent: int, start: int, end: int, step: int) -> NDArray[np.int64]:
    """The places along an axis that a Slice takes; ONNX clamps its ends otherwise than Python."""
    if step == 0:
        raise UserError("one of its steps is 0", where=describe(node), hint=EXPORT_AGAIN)
    lowest, highest = (0, extent) if step > 0 else (-1, extent - 1)
    start, end = (place + extent if place < 0 else place for place in (start, end))
    return np.arange(min(max(start, 0), highest), min(max(end, lowest), highest), step)


def _shuffle(model: Model, node: Node) -> bool:
    """Reshape, Transpose, Reshape that only reorders channels becomes a Gather."""
    above, behind = model.producer(node.input[0]), model.only_reader(node.output[0])
    if above is None or behind is None or (above.op_type, behind.op_type) != ("Reshape", "Reshape"):
        return False
    source, result = above.input[0], behind.output[0]
    shape, grouped = model.shape(source), model.shape(above.output[0])
    if shape != model.shape(result) or len(shape) < 3 or model.only_reader(above.output[0]) is None:
        return False
    elements = np.arange(int(np.prod(shape))).reshape(grouped).transpose(attribute(node, "perm", None)).reshape(shape)
    pixels = int(np.prod(shape[2:]))
    index = elements.reshape(shape[1], pixels)[:, 0] // pixels
    expected = np.arange(int(np.prod(shape))).reshape(shape)[:, index]
    if not np.array_equal(elements, expected):
        return False
    model.set_input(node, 0, source)
    model.remove(node, above)
    model.replace(behind, _gather(model, node, index.astype(np.int64), result, 0))
    return True
