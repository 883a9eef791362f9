"""Concatenations of floats: per-channel operations on them are computed part by part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.parts import Part, Piece, in_pieces, pairs_in_pieces
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import (
    AFTER_TRAINING,
    attribute,
    data_operands,
    describe,
    describe_tensor,
)
from bnnfpga.golden.writer import Joined, Value, Writer
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.integers import IntArray

Translate = Callable[[Node], Value]
"""Maps a node, whose operands are known, to its value."""


def of_parts(writer: Writer, translate: Translate, node: Node) -> Value | None:
    """The value of a node on a concatenation of floats, part by part; None if it is computed on whole floats.

    Raises
    ------
    UserError
        If the node is a sum over channels, which needs them on one grid.
    """
    operands = data_operands(writer.model, node)
    known = {name: writer.values[name].joined for name in operands if name in writer.values}
    first = next(filter(None, known.values()), None)
    if first is None or traits_of(node).concatenates or (traits_of(node).elementwise and len(operands) == 1):
        return None
    parts = {name: _behind_chain(writer, translate, join) for name, join in known.items() if join is not None}
    if traits_of(node).pairs:
        gathers, pieces = pairs_in_pieces(writer.model, node, [parts.get(name) for name in node.input])
        for gather in gathers:
            writer.values[gather.output[0]] = translate(gather)
        return _translated(writer, translate, first, pieces)
    source = next(iter(parts))
    split = in_pieces(writer.model, node, source, parts[source], lambda name, index: _rows(writer, name, index))
    if split is not None:
        value = _translated(writer, translate, first, split)
        _note_addends(writer, node, split)
        return value
    if traits_of(node).dot_product and writer.value(node.input[1]).integers is not None:
        raise not_on_one_grid(writer, first, parts[source])
    return None


def joined_parts(writer: Writer, translate: Translate, node: Node) -> Joined | None:
    """The parts of a concatenation of channels, nested ones flattened; None if an operand is constant."""
    axis = attribute(node, "axis", 1) % len(writer.model.shape(node.output[0]))
    if axis != 1 or not all(name in writer.values for name in node.input):
        return None
    parts: list[Part] = []
    begin = 0
    for name in node.input:
        channels = np.arange(writer.model.shape(name)[1])
        join = writer.values[name].joined
        own = [Part(name, channels)] if join is None else _behind_chain(writer, translate, join)
        parts += [Part(part.tensor, begin + part.channels) for part in own]
        begin += len(channels)
    return Joined(node, tuple(parts))


def not_on_one_grid(writer: Writer, join: Joined, parts: Sequence[Part]) -> UserError:
    """The error for a concatenation before a layer that needs all its channels on one grid."""
    units = []
    for part in parts:
        value = writer.values[part.tensor]
        if value.integers is None or any(scale.size != 1 for scale in value.scales):
            return UserError(
                f"it joins streams, and {describe_tensor(writer.model, part.tensor)} is not quantised",
                where=describe(join.node),
                hint=f"put a quantizer of up to 8 bits there, with the scale of the other operand, {AFTER_TRAINING}",
            )
        steps = [Step("multiply", scale) for scale in value.scales]
        units.append(str(apply_steps(steps, np.ones((), dtype=np.float32))))
    return UserError(
        f"it joins streams whose scales {' and '.join(dict.fromkeys(units))} are not small multiples of one number",
        where=describe(join.node),
        hint="put quantizers with the same scale in front of all its operands, or one right behind it, "
        + AFTER_TRAINING,
    )


def _behind_chain(writer: Writer, translate: Translate, join: Joined) -> list[Part]:
    """The parts of a concatenation after the elementwise nodes that follow it."""
    parts = list(join.parts)
    for node in join.chain:
        source = data_operands(writer.model, node)[0]
        pieces = in_pieces(writer.model, node, source, parts, lambda name, index: _rows(writer, name, index))
        assert pieces is not None
        parts = _translate_pieces(writer, translate, pieces)
    return parts


def _translated(writer: Writer, translate: Translate, join: Joined, pieces: Sequence[Piece]) -> Value:
    return Value(joined=replace(join, parts=tuple(_translate_pieces(writer, translate, pieces)), chain=()))


def _translate_pieces(writer: Writer, translate: Translate, pieces: Sequence[Piece]) -> list[Part]:
    """Translate the node of each piece; returns the parts that they produce."""
    for piece in pieces:
        writer.values[piece.node.output[0]] = translate(piece.node)
    return [piece.part for piece in pieces]


def _note_addends(writer: Writer, node: Node, pieces: Sequence[Piece]) -> None:
    """Record the contribution of constants before the pieces of a layer to its outputs."""
    known = {piece.node.name: writer.addends.pop(piece.node.name, None) for piece in pieces}
    if all(addend is None for addend in known.values()):
        return
    shape = writer.model.shape(node.output[0])[1:]
    images = any(addend is not None and addend.ndim > 1 for addend in known.values())
    whole = np.zeros(shape if images else shape[:1], dtype=np.float32)
    for piece in pieces:
        addend = known[piece.node.name]
        if addend is not None:
            whole[piece.channels] = addend if addend.ndim == whole.ndim else addend.reshape(-1, *[1] * (len(shape) - 1))
    writer.addends[node.name] = whole


def _rows(writer: Writer, tensor: str, index: IntArray) -> str:
    """Selected rows of a layer's weights, with their scales."""
    value = writer.value(tensor)
    assert value.constant is not None
    own = np.ascontiguousarray(value.constant[index])
    scales = tuple(scale[index] if scale.ndim == own.ndim and len(scale) > 1 else scale for scale in value.scales)
    name = writer.model.fresh_name(f"{tensor}_rows")
    writer.model.set_shape(name, own.shape)
    constant = writer.constant(own)
    if value.integers is None:
        writer.values[name] = replace(value, tensor=constant, constant=own)
    else:
        writer.values[name] = replace(value, integers=constant, constant=own, scales=scales)
    return name
