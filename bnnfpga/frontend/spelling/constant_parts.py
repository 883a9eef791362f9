"""Constants concatenated with a stream, such as class tokens or coordinates as channels."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.arithmetic import Floats


class ConstantPartsToPads(Transform):
    """A Concat whose first or last parts are constants becomes a Pad with zeros, to which they are added.

    Adding zeros is exact, so all numbers stay the same.
    """

    kinds = ("Concat",)

    def visit(self, model: Model, node: Node) -> bool:
        values = [model.constant(name) for name in node.input]
        streams = [index for index, value in enumerate(values) if value is None]
        rank = len(model.shape(node.output[0]))
        if len(streams) in (0, len(values)) or not rank or not all(map(model.has_shape, node.input)):
            return False
        axis = attribute(node, "axis", 1) % rank
        if axis == 0 or any(value is not None and value.dtype.kind != "f" for value in values):
            return False
        first, last = streams[0], streams[-1]
        if len(streams) <= last - first:
            _constants_last(model, node, streams, axis)
            return True
        source = node.input[first]
        if len(streams) > 1:
            _join_streams(model, node, first, last + 1, axis)
            source = node.input[first]
        shape = model.shape(node.output[0])
        before = sum(model.shape(name)[axis] for name in node.input[:first])
        widths = np.zeros((2, rank), dtype=np.int64)
        widths[:, axis] = before, shape[axis] - before - model.shape(source)[axis]
        padded = model.fresh_name(f"{node.name}_padded")
        model.set_shape(padded, shape)
        pads = model.add_constant(f"{node.name}_pads", widths.ravel())
        addend = model.add_constant(f"{node.name}_constants", _beside_zeros(values, shape, axis))
        model.replace(
            node,
            make_node("Pad", [source, pads], [padded], name=padded),
            make_node("Add", [padded, addend], node.output, name=node.name),
        )
        return True


def _constants_last(model: Model, node: Node, streams: list[int], axis: int) -> None:
    """Concatenate the streams first and the constants last, then restore the order by a Gather."""
    order = [*streams, *(index for index in range(len(node.input)) if index not in streams)]
    ends = np.cumsum([model.shape(name)[axis] for name in node.input])
    starts = np.concatenate([[0], ends[:-1]])
    indices = np.concatenate([np.arange(starts[index], ends[index]) for index in order])
    joined = model.fresh_name(f"{node.name}_reordered")
    model.set_shape(joined, model.shape(node.output[0]))
    places = model.add_constant(f"{node.name}_places", np.argsort(indices))
    parts = [node.input[index] for index in order]
    model.replace(
        node,
        make_node("Concat", parts, [joined], name=joined, axis=axis),
        make_node("Gather", [joined, places], node.output, name=node.name, axis=axis),
    )


def _join_streams(model: Model, node: Node, start: int, end: int, axis: int) -> None:
    """Concatenate the streams of a Concat, which are adjacent, in front of it."""
    parts = node.input[start:end]
    joined = model.fresh_name(f"{node.name}_streams")
    shape = model.shape(node.output[0])
    shape[axis] = sum(model.shape(name)[axis] for name in parts)
    model.set_shape(joined, shape)
    model.insert_before(node, make_node("Concat", parts, [joined], name=joined, axis=axis))
    model.set_inputs(node, [*node.input[:start], joined, *node.input[end:]])


def _beside_zeros(values: list[Floats | None], shape: list[int], axis: int) -> Floats:
    """The constants at their places in the concatenation, with zeros in place of the streams."""
    extents = [0 if value is None else value.shape[axis] for value in values]
    streams = list(shape)
    streams[axis] -= sum(extents)
    parts: list[Floats] = []
    for value in values:
        if value is not None:
            parts.append(value.astype(np.float32))
        elif streams[axis]:
            parts.append(np.zeros(streams, dtype=np.float32))
            streams[axis] = 0
    return np.concatenate(parts, axis)
