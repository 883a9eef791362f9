"""Layout changes of a frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.rearranging import moves_images, rearrange, spread_blocks
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import describe
from bnnfpga.golden.writer import Value, Writer
from bnnfpga.numbers.arithmetic import Step


def change_layout(writer: Writer, node: Node) -> Value:
    """Rearrange a frame: its integers, and the constants of the steps that follow them.

    Raises
    ------
    UserError
        If it mixes elements of different images.
    """
    value = writer.value(node.input[0])
    shape = writer.model.shape(node.output[0])
    if value.constant is not None:
        return _constant(writer, node, value)
    if moves_images(writer.model, node):
        raise UserError(
            "it mixes the batch axis with others", where=describe(node), hint="export the model for a batch of one"
        )
    base = None if value.base is None else _move(writer, node, value.base, shape)
    if base is not None and value.affine is not None:
        steps = [_moved_step(writer, node, step) for step in value.affine]
        return Value.of_integers(base, steps, value.magnitude)
    return Value(tensor=_move(writer, node, writer.float_of(value), shape), base=base)


def _moved_step(writer: Writer, node: Node, step: Step) -> Step:
    """A step after a layout change: its constant is rearranged like the tensor."""
    if step.constant is None or step.constant.size == 1:
        return step if step.constant is None else Step(step.operation, step.constant.reshape(()))
    rank = len(writer.model.shape(node.input[0]))
    aligned = step.constant.reshape(*[1] * (rank - step.constant.ndim), *step.constant.shape)
    return Step(step.operation, rearrange(writer.model, node, aligned))


def _move(writer: Writer, node: Node, tensor: str, shape: list[int]) -> str:
    if traits_of(node).spreads:
        split, perm = spread_blocks(writer.model, node)
        parts = writer.emit("Reshape", tensor, writer.constant(np.array([-1, *split[1:]], dtype=np.int64)))
        extents = writer.constant(np.array([-1, *shape[1:]], dtype=np.int64))
        moved = writer.emit("Reshape", writer.emit("Transpose", parts, perm=perm), extents)
    elif traits_of(node).reorders:
        moved = writer.emit(node.op_type, tensor, **node.attributes)
    else:
        extents = writer.constant(np.array([-1, *shape[1:]], dtype=np.int64))
        moved = writer.emit("Reshape", tensor, extents)
    if tensor in writer.doubles:
        writer.doubles.add(moved)
    return moved


def _constant(writer: Writer, node: Node, value: Value) -> Value:
    """A transposed or reshaped weight tensor; its per-channel scales are rearranged with it."""
    assert value.constant is not None
    turned = rearrange(writer.model, node, value.constant)
    scales = tuple(
        scale if scale.size == 1 else rearrange(writer.model, node, np.broadcast_to(scale, value.constant.shape))
        for scale in value.scales
    )
    if value.integers is None:
        return Value(tensor=writer.constant(turned), constant=turned)
    return replace(value, integers=writer.constant(turned), constant=turned, scales=scales)
