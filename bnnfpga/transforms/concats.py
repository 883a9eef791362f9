"""Concatenations of floats: per-channel operations on the result are applied to each part instead."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.parts import Part, Piece, in_pieces, joined, pairs_in_pieces
from bnnfpga.frontend.forms.picks import picked_channels
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, data_operands
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.integers import IntArray
from bnnfpga.transforms.integer_types import INTEGER_CONCAT, integer_type, make_join

JOINS_FLOATS = "joins_floats"
"""Attribute of a Concat that the golden model computes on floats because its operands have no common grid."""


def joins_floats(node: Node) -> bool:
    """Whether a node is a concatenation of floats."""
    return traits_of(node).concatenates and bool(attribute(node, JOINS_FLOATS, 0))


class ConcatBehindQuantizers(Transform):
    """Move a concatenation of floats behind the nodes that turn them into codes, through per-channel operations.

    Each part gets a copy of these nodes, with the constants of its channels.
    """

    kinds = kinds_that(lambda traits: traits.concatenates)

    def visit(self, model: Model, node: Node) -> bool:
        if not joins_floats(node) or data_operands(model, node) != list(node.input):
            return False
        if all(integer_type(model, name) is not None for name in node.input):
            make_join(model, node, INTEGER_CONCAT, [1] * len(node.input))
            return True
        if attribute(node, "axis", 1) % len(model.shape(node.output[0])) != 1:
            return False
        moved = [_move_behind(model, node, reader) for reader in model.consumers(node.output[0])]
        for gather in model.consumers(node.output[0]):
            if _mixes(model, node, gather):
                moved += [_move_behind(model, node, reader, gather) for reader in model.consumers(gather.output[0])]
                model.remove_unread(gather)
        if not any(moved):
            return False
        model.remove_unread(node)
        return True


def _move_behind(model: Model, concat: Node, reader: Node, gather: Node | None = None) -> bool:
    """Apply `reader` to each part of the concatenation, and concatenate the results; False if that is impossible.

    `gather`, if there is one, stands between them and interleaves the channels of the parts.
    """
    source = (gather or concat).output[0]
    if joins_floats(reader):
        if gather is not None:
            return False
        parts = [[*concat.input] if name == source else [name] for name in reader.input]
        model.set_inputs(reader, [name for part in parts for name in part])
        return True
    if not _leads_to_codes(model, reader) or (gather is None and _mixes(model, concat, reader)):
        return False
    own = _parts(model, concat, gather)
    before: list[Node] = []
    pieces: list[Piece] | None
    if traits_of(reader).pairs and len(data_operands(model, reader)) > 1:
        before, pieces = pairs_in_pieces(model, reader, [own if name == source else None for name in reader.input])
    elif traits_of(reader).dot_product and model.constant(reader.input[1]) is None:
        return False
    else:
        pieces = in_pieces(model, reader, source, own, lambda name, index: _rows(model, name, index))
    if pieces is None:
        return False
    whole = joined(model, [piece.part for piece in pieces], reader.output[0], concat)
    model.replace(reader, *before, *(piece.node for piece in pieces), *whole)
    return True


def _parts(model: Model, concat: Node, gather: Node | None) -> list[Part]:
    """The parts of a concatenation, with the positions of their channels after the Gather, if any."""
    ends = np.cumsum([model.shape(name)[1] for name in concat.input])
    picked = None if gather is None else picked_channels(model, gather)
    places = np.arange(ends[-1]) if picked is None else np.argsort(picked)
    return [Part(name, own) for name, own in zip(concat.input, np.split(places, ends[:-1]), strict=True)]


def _mixes(model: Model, concat: Node, reader: Node) -> bool:
    """Whether a node is a Gather that only interleaves the channels of the parts, each part's order preserved."""
    index = picked_channels(model, reader)
    if index is None or not np.array_equal(np.sort(index), np.arange(model.shape(concat.output[0])[1])):
        return False
    return all(bool(np.all(np.diff(part.channels) > 0)) for part in _parts(model, concat, reader))


def _rows(model: Model, weights: str, index: IntArray) -> str:
    value = model.constant(weights)
    assert value is not None
    return model.add_constant(f"{weights}_rows", np.ascontiguousarray(value[index]))


def _is_depthwise(model: Model, node: Node) -> bool:
    return traits_of(node).dot_product and attribute(node, "group", 1) == model.shape(node.input[0])[1] > 1


def _leads_to_codes(model: Model, node: Node) -> bool:
    """Whether the node or one that follows produces integers: what the host computes at the end is not split."""
    seen = {node}
    ahead = [node]
    while ahead:
        item = ahead.pop()
        if traits_of(item).quantizes or _is_depthwise(model, item):
            return True
        fresh = [reader for reader in model.consumers(item.output[0]) if reader not in seen]
        seen.update(fresh)
        ahead += fresh
    return False
