"""Splitting nodes that work on each channel separately into several, one for each part of the channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.multithreshold import channel_axis
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.picks import picked_channels
from bnnfpga.frontend.forms.rearranging import moves_images, rearrange
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, data_operands
from bnnfpga.numbers.integers import IntArray

_SIZES = {"Resize": 3}
"""The input, by operator, that may state the shape of the output."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some channels of a tensor, as a separate tensor.

    Parameters
    ----------
    tensor
        The name of the separate tensor.
    channels
        int64, ascending: the indices of its channels in the whole tensor.
    """

    tensor: str
    channels: IntArray


@dataclass(frozen=True, eq=False)
class Piece:
    """A node that does for one part what another node does for all channels, and its channels of the result."""

    node: Node
    channels: IntArray

    @property
    def part(self) -> Part:
        """Its output, as a part of the whole result."""
        return Part(self.node.output[0], self.channels)


Rows = Callable[[str, IntArray], str]
"""Maps a tensor of weights and indices of its rows to the tensor of those rows."""


def in_pieces(model: Model, node: Node, source: str, parts: Sequence[Part], rows: Rows) -> list[Piece] | None:
    """Split a node into one for each part of its input `source`; None if it does not work on each channel separately.

    The new nodes are not yet in the graph, but their constants and output shapes are. Parts that the node does not read
    have no piece.
    """
    traits = traits_of(node)
    if traits.dot_product:
        # Its weights may be quantised, and so not constant.
        return _depthwise(model, node, parts, rows) if traits.slides and node.input[0] == source else None
    if set(data_operands(model, node)) - {source}:
        return None
    if traits.elementwise:
        return [_elementwise(model, node, source, part) for part in parts]
    if traits.layout:
        return _rearranged(model, node, parts)
    picked = picked_channels(model, node)
    if picked is not None:
        return _picked(model, node, parts, picked)
    if not (traits.moves or traits.pools or traits.pads) or (traits.pads and any(channel_pads(node))):
        return None
    return [_sliding(model, node, source, part) for part in parts]


def pairs_in_pieces(
    model: Model, node: Node, operands: Sequence[Sequence[Part] | None]
) -> tuple[list[Node], list[Piece]]:
    """Split a sum or product of streams into one for each of their common parts, with Gathers in front of them.

    Parameters
    ----------
    operands
        The parts of each operand; None for one without parts, whose channels are picked.
    """
    shape = model.shape(node.output[0])
    numbers = np.zeros((shape[1], len(operands)), dtype=np.int64)
    for place, parts in enumerate(operands):
        for number, part in enumerate(parts or ()):
            numbers[part.channels, place] = number
    gathers: list[Node] = []

    def operand_of(place: int, number: int, channels: IntArray) -> str:
        parts = operands[place]
        source, own = node.input[place], channels
        if parts is not None:
            source, own = parts[number].tensor, np.searchsorted(parts[number].channels, channels)
            if len(own) == len(parts[number].channels):
                return source
        name = model.fresh_name(f"{node.name}_part")
        model.set_shape(name, _with_channels(model.shape(source), channels))
        index = model.add_constant(f"{name}_index", own.astype(np.int64))
        gathers.append(make_node("Gather", [source, index], [name], name=name, axis=1, origin=node.origin))
        return name

    pieces = []
    for key in dict.fromkeys(map(tuple, numbers.tolist())):
        channels = np.flatnonzero((numbers == key).all(axis=1))
        tensors = [operand_of(place, number, channels) for place, number in enumerate(key)]
        pieces.append(_piece(model, node, tensors, _with_channels(shape, channels), channels))
    return gathers, pieces


def joined(model: Model, parts: Sequence[Part], result: str, concat: Node) -> list[Node]:
    """The nodes that join parts into a tensor: a concatenation like `concat`, then a Gather if they are interleaved."""
    order = np.argsort(np.concatenate([part.channels for part in parts]), kind="stable")
    is_mixed = not np.array_equal(order, np.arange(len(order)))
    output = result
    if is_mixed:
        output = model.fresh_name(f"{concat.name}_mixed")
        model.set_shape(output, model.shape(result))
    names = [part.tensor for part in parts]
    name = model.fresh_name(concat.name)
    nodes = [Node(concat.op_type, names, [output], name, concat.domain, concat.attributes, concat.origin)]
    if is_mixed:
        index = model.add_constant(f"{concat.name}_order", order)
        gather = make_node("Gather", [output, index], [result], name=f"{name}_order", axis=1, origin=concat.origin)
        nodes.append(gather)
    return nodes


def _piece(
    model: Model, node: Node, operands: Sequence[str], shape: Sequence[int], channels: IntArray, **attributes: object
) -> Piece:
    result = model.fresh_name(f"{node.output[0]}_{channels[0]}")
    model.set_shape(result, shape)
    name = model.fresh_name(f"{node.name}_{channels[0]}")
    own = {**node.attributes, **attributes}
    return Piece(Node(node.op_type, operands, [result], name, node.domain, own, node.origin), channels)


def _with_channels(shape: Sequence[int], channels: IntArray) -> list[int]:
    return [shape[0], len(channels), *shape[2:]]


def _elementwise(model: Model, node: Node, source: str, part: Part) -> Piece:
    shape = model.shape(node.output[0])
    operands = [part.tensor if name == source else name for name in node.input]
    for index, name in enumerate(operands):
        value = model.constant(name) if name else None
        if value is None:
            continue
        axis = value.ndim - len(shape) + 1
        if traits_of(node).by_channel:
            axis = 0
        elif traits_of(node).counts_thresholds:
            axis = 0 if channel_axis(node, len(shape)) == 1 else -1
        if 0 <= axis < value.ndim and value.shape[axis] > 1:
            own = np.ascontiguousarray(value.take(part.channels, axis))
            operands[index] = model.add_constant(f"{node.name}_{part.channels[0]}", own)
    return _piece(model, node, operands, _with_channels(shape, part.channels), part.channels)


def _sliding(model: Model, node: Node, source: str, part: Part) -> Piece:
    """A piece of a node that treats all channels alike."""
    operands = [part.tensor if name == source else name for name in node.input]
    shape = _with_channels(model.shape(node.output[0]), part.channels)
    place = _SIZES.get(node.op_type, len(operands))
    sizes = model.constant(operands[place]) if place < len(operands) else None
    if sizes is not None and len(sizes) == len(shape):
        operands[place] = model.add_constant(f"{node.name}_sizes", np.array(shape, dtype=np.int64))
    return _piece(model, node, operands, shape, part.channels)


def _picked(model: Model, node: Node, parts: Sequence[Part], index: IntArray) -> list[Piece]:
    shape = model.shape(node.output[0])
    pieces = []
    for part in parts:
        channels = np.flatnonzero(np.isin(index, part.channels))
        if not channels.size:
            continue
        own = np.searchsorted(part.channels, index[channels])
        operand = model.add_constant(f"{node.name}_index", own.astype(np.int64))
        pieces.append(_piece(model, node, [part.tensor, operand], _with_channels(shape, channels), channels))
    return pieces


def _depthwise(model: Model, node: Node, parts: Sequence[Part], rows: Rows) -> list[Piece] | None:
    channels, shape = model.shape(node.input[0])[1], model.shape(node.output[0])
    if attribute(node, "group", 1) != channels:
        return None
    times = shape[1] // channels
    pieces = []
    for part in parts:
        results = (part.channels[:, None] * times + np.arange(times)).reshape(-1)
        operands = [part.tensor, rows(node.input[1], results)]
        pieces.append(_piece(model, node, operands, _with_channels(shape, results), results, group=len(part.channels)))
    return pieces


def _rearranged(model: Model, node: Node, parts: Sequence[Part]) -> list[Piece] | None:
    """Changes of layout in which each output channel has elements of a single input channel."""
    before, shape = model.shape(node.input[0]), model.shape(node.output[0])
    if moves_images(model, node) or len(shape) < 2:
        return None
    numbers = rearrange(model, node, np.arange(before[1]).reshape(1, -1, *[1] * (len(before) - 2)))
    own = numbers.reshape(numbers.shape[1], -1)
    if len(own) != shape[1] or np.any(own != own[:, :1]):
        return None
    pieces = []
    for part in parts:
        channels = np.flatnonzero(np.isin(own[:, 0], part.channels))
        if traits_of(node).reorders:
            pieces.append(_piece(model, node, [part.tensor], _with_channels(shape, channels), channels))
            continue
        target = model.add_constant(f"{node.name}_shape", np.array(_with_channels(shape, channels), dtype=np.int64))
        piece = _piece(model, node, [part.tensor, target], _with_channels(shape, channels), channels)
        plain = Node("Reshape", piece.node.input, piece.node.output, piece.node.name, origin=node.origin)
        pieces.append(Piece(plain, channels))
    return pieces
