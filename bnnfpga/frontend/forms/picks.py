"""All nodes that pick, omit or repeat elements along an axis, as Gathers with a list of indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.forms.resizing import picked_places, repeats_evenly
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, comes_from_constants, describe, required_constant, required_shape
from bnnfpga.frontend.graph.transform import Transform

Places = NDArray[np.int64]


class PicksToGathers(Transform):
    """Split, Slice, Expand, Tile and any Gather become Gathers along one axis each, by a list of indices from 0."""

    kinds = ("Expand", "Gather", "Slice", "Split", "Tile")

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]):
            return False
        return _WRITTEN[node.op_type](model, node)


class ResizesToGathers(Transform):
    """A Resize that does not repeat all pixels equally often becomes Gathers of rows and columns."""

    kinds = ("Resize",)

    def visit(self, model: Model, node: Node) -> bool:
        picks = picked_places(model, node)
        shape = model.shape(node.input[0])
        if all(axis > 1 and repeats_evenly(places, shape[axis]) for axis, places in picks.items()):
            return False
        write_gathers(model, node, picks)
        return True


def gathered(model: Model, node: Node) -> tuple[int, Places]:
    """The axis along which a Gather picks elements, and their indices.

    Raises
    ------
    UserError
        If an index is out of range, or the axis is the batch.
    """
    shape = required_shape(model, node, node.input[0])
    axis = attribute(node, "axis", 0) % len(shape)
    index = required_constant(model, node, 1, "index").astype(np.int64)
    if axis == 0:
        raise UserError(
            "it picks along the batch axis", where=describe(node), hint="export the model for a batch of one image"
        )
    if index.size and not (-shape[axis] <= index.min() and index.max() < shape[axis]):
        raise UserError(
            f"it takes {_axis_name(axis, len(shape))} {shown(index.tolist())} of {shape[axis]}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    return axis, index % shape[axis]


def picked_channels(model: Model, node: Node) -> Places | None:
    """The indices of the channels that a Gather picks; None for any other node.

    Raises
    ------
    UserError
        As from `gathered`.
    """
    if node.op_type != "Gather":
        return None
    axis, places = gathered(model, node)
    return places if axis == 1 else None


def _axis_name(axis: int, rank: int) -> str:
    """What messages call the elements along an axis of (images, channels, ...pixels)."""
    if axis == 1 or rank > 4:
        return "channels" if axis == 1 else f"elements along axis {axis}"
    return "samples" if rank == 3 else ("rows", "columns")[axis - 2]


def write_gathers(model: Model, node: Node, picks: Mapping[int, Places], shape: list[int] | None = None) -> None:
    """Replace a node with one output by Gathers, one for each axis along which it picks.

    The result is reshaped to `shape`, if any. A node that picks everything in order becomes one Gather.
    """
    source, result = node.input[0], node.output[0]
    extents = list(required_shape(model, node, source))
    changed = {
        axis: places
        for axis, places in sorted(picks.items())
        if not np.array_equal(places, np.arange(extents[axis])) or axis == 0
    }
    nodes: list[Node] = []
    steps = list((changed or {1: np.arange(extents[1])}).items())
    for number, (axis, places) in enumerate(steps):
        last = number == len(steps) - 1
        extents[axis] = len(places)
        output = result if last and shape in (None, extents) else model.fresh_name(f"{node.name}_{number}")
        model.set_shape(output, extents)
        operand = model.add_constant(f"{node.name}_index", places)
        name = node.name if last else output
        nodes.append(make_node("Gather", [source, operand], [output], name=name, axis=axis))
        source = output
    if source != result:
        assert shape is not None
        target = model.add_constant(f"{node.name}_shape", np.array(shape, dtype=np.int64))
        nodes.append(make_node("Reshape", [source, target], [result], name=f"{node.name}_reshape"))
    model.replace(node, *nodes)


def _gather(model: Model, node: Node) -> bool:
    """Indices of any shape and sign become a list of indices from 0; the result is reshaped."""
    index = required_constant(model, node, 1, "index")
    shape = required_shape(model, node, node.input[0])
    axis = attribute(node, "axis", 0)
    if index.ndim == 1 and axis >= 0 and np.all(index >= 0):
        return False
    axis, places = gathered(model, node)
    target = [*shape[:axis], *index.shape, *shape[axis + 1 :]]
    write_gathers(model, node, {axis: places.reshape(-1)}, target)
    return True


def _split(model: Model, node: Node) -> bool:
    shape = required_shape(model, node, node.input[0])
    axis = attribute(node, "axis", 0) % len(shape)
    extent = shape[axis]
    sizes = model.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else attribute(node, "split", None)
    count = len(node.output)
    if sizes is None:
        size = -(-extent // count)
        sizes = [size] * (count - 1) + [extent - size * (count - 1)]
    ends = np.cumsum(np.ravel(sizes))
    if len(ends) != count or ends[-1] != extent or min(np.ravel(sizes)) < 1:
        raise UserError(
            f"its parts of {np.ravel(sizes).tolist()} {_axis_name(axis, len(shape))} do not add up to its {extent}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    parts = []
    for number, (result, end, size) in enumerate(zip(node.output, ends, np.ravel(sizes), strict=True)):
        operand = model.add_constant(f"{node.name}_index", np.arange(end - size, end, dtype=np.int64))
        name = node.name if number == 0 else f"{node.name}_{number}"
        parts.append(make_node("Gather", [node.input[0], operand], [result], name=name, axis=axis))
    model.replace(node, *parts)
    return True


def _sliced(model: Model, node: Node) -> dict[int, Places]:
    shape = required_shape(model, node, node.input[0])
    starts, ends = (required_constant(model, node, index, "range").ravel() for index in (1, 2))
    axes = model.constant(node.input[3]) if len(node.input) > 3 and node.input[3] else np.arange(len(starts))
    steps = model.constant(node.input[4]) if len(node.input) > 4 and node.input[4] else np.ones(len(starts), dtype=int)
    assert axes is not None
    assert steps is not None
    if not len(starts) == len(ends) == axes.size == steps.size:
        raise UserError("its starts, ends, axes and steps differ in length", where=describe(node), hint=EXPORT_AGAIN)
    picks = {}
    for axis, *numbers in zip(*(map(int, values.ravel()) for values in (axes, starts, ends, steps)), strict=True):
        # Exporters also list axes along which they take everything.
        index = _range(node, int(shape[axis]), *numbers)
        if axis % len(shape) or index.tolist() != list(range(shape[0])):
            picks[axis % len(shape)] = index
    return picks


def _range(node: Node, extent: int, start: int, end: int, step: int) -> Places:
    """The indices along an axis that a Slice picks; ONNX clamps the ends differently from Python."""
    if step == 0:
        raise UserError("one of its steps is 0", where=describe(node), hint=EXPORT_AGAIN)
    lowest, highest = (0, extent) if step > 0 else (-1, extent - 1)
    start, end = (place + extent if place < 0 else place for place in (start, end))
    return np.arange(min(max(start, 0), highest), min(max(end, lowest), highest), step)


def _expanded(model: Model, node: Node) -> dict[int, Places]:
    """Axes of one element are repeated; the target shape may omit leading axes."""
    listed = required_constant(model, node, 1, "shape").astype(np.int64).ravel().tolist()
    shape = required_shape(model, node, node.input[0])
    if len(listed) > len(shape):
        raise UserError(
            f"it adds axes in front of shape {tuple(shape)}, which would change the batch axis",
            where=describe(node),
            hint="give the tensor its axes with a Reshape or Unsqueeze in front of it",
        )
    target = [1] * (len(shape) - len(listed)) + listed
    if any(1 not in (to, of) and to != of for to, of in zip(target, shape, strict=True)):
        raise UserError(
            f"a tensor of shape {tuple(shape)} cannot be stretched to {tuple(target)}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    return {
        axis: np.zeros(to, dtype=np.int64)
        for axis, (of, to) in enumerate(zip(shape, target, strict=True))
        if of == 1 and to != 1
    }


def _tiled(model: Model, node: Node) -> dict[int, Places]:
    repeats = required_constant(model, node, 1, "repeats").astype(np.int64).ravel().tolist()
    shape = required_shape(model, node, node.input[0])
    if len(repeats) != len(shape):
        raise UserError(f"it has {len(repeats)} repeats for {len(shape)} axes", where=describe(node), hint=EXPORT_AGAIN)
    return {
        axis: np.tile(np.arange(extent), count)
        for axis, (extent, count) in enumerate(zip(shape, repeats, strict=True))
        if count != 1
    }


def _by_picks(picks_of: Callable[[Model, Node], Mapping[int, Places]]) -> Callable[[Model, Node], bool]:
    """A writer for operators that pick these elements along axes."""

    def write(model: Model, node: Node) -> bool:
        write_gathers(model, node, picks_of(model, node))
        return True

    return write


_WRITTEN: dict[str, Callable[[Model, Node], bool]] = {
    "Expand": _by_picks(_expanded),
    "Gather": _gather,
    "Slice": _by_picks(_sliced),
    "Split": _split,
    "Tile": _by_picks(_tiled),
}
"""By operator, the function that replaces it by Gathers; False if there is nothing to change."""
