"""Constants with more channels than their other operand: thermometer codes by broadcasting."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import comes_from_constants, data_operands
from bnnfpga.frontend.graph.transform import Transform


class ChannelsForConstants(Transform):
    """A single channel that broadcasts against a constant with several is repeated in front by a Gather."""

    kinds = kinds_that(lambda traits: (traits.broadcasts and not traits.quantizes) or traits.compares)

    def visit(self, model: Model, node: Node) -> bool:
        operands = data_operands(model, node)
        if len(operands) != 1 or comes_from_constants(model, operands[0]):
            return False
        shape, target = model.shape(operands[0]), model.shape(node.output[0])
        if len(shape) != len(target) or len(shape) not in (2, 3, 4) or shape[0] != target[0] or shape[2:] != target[2:]:
            return False
        if shape[1] != 1 or target[1] == 1:
            return False
        repeated = _repeated(model, node, operands[0], np.zeros(target[1], dtype=np.int64))
        model.set_input(node, node.input.index(operands[0]), repeated)
        return True


class AxesOfConstants(Transform):
    """An axis inserted for constants to broadcast along, then merged with the channels, becomes channels directly.

    In between are elementwise nodes: (n, channels, 1, ...) becomes (n, channels, levels, ...) and then
    (n, channels * levels, ...), or the other way round.
    """

    kinds = kinds_that(lambda traits: traits.regroups)

    def visit(self, model: Model, node: Node) -> bool:
        merged = model.shape(node.output[0])
        chain: list[Node] = []
        tensor = node.input[0]
        while (above := model.producer(tensor)) is not None and _goes_along(above):
            operands = data_operands(model, above)
            if len(operands) != 1 or len(model.consumers(tensor)) != 1:
                return False
            chain.insert(0, above)
            tensor = operands[0]
        if above is None or not traits_of(above).regroups or not chain or len(model.consumers(tensor)) != 1:
            return False
        narrow, wide = model.shape(above.input[0]), model.shape(node.input[0])
        axis = next((axis for axis in (1, 2) if len(narrow) > 1 and _put_in(narrow, axis) == model.shape(tensor)), None)
        if axis is None or len(wide) != len(narrow) + 1 or narrow[2:] != wide[3:] or wide[3 - axis] != narrow[1]:
            return False
        if wide[axis] == 1 or merged != [narrow[0], wide[1] * wide[2], *narrow[2:]]:
            return False
        _join(model, chain, above, node, axis, wide)
        return True


def _goes_along(node: Node) -> bool:
    """Whether a node is elementwise, including those that compute or read booleans."""
    traits = traits_of(node)
    return traits.elementwise or traits.compares or traits.takes_truths


def _put_in(shape: Sequence[int], axis: int) -> list[int]:
    return [*shape[:axis], 1, *shape[axis:]]


def _join(model: Model, chain: Sequence[Node], begin: Node, end: Node, axis: int, wide: list[int]) -> None:
    """Repeat channels instead of inserting an axis, and let the chain work on them."""
    channels, levels = wide[3 - axis], wide[axis]
    index = np.repeat(np.arange(channels), levels) if axis == 2 else np.tile(np.arange(channels), levels)
    tensor = _repeated(model, chain[0], begin.input[0], index)
    shape = [wide[0], channels * levels, *wide[3:]]
    for node in chain:
        operand = data_operands(model, node)[0]
        for place, name in enumerate(node.input):
            value = model.constant(name) if name else None
            if name == operand:
                model.set_input(node, place, tensor)
            elif value is not None and value.size > 1:
                flat = _flattened(value, wide)
                model.set_input(node, place, model.add_constant(f"{node.name}_constant", flat))
        # A tensor that differs from the file's gets a new name.
        last = node is chain[-1]
        if not last:
            tensor = model.fresh_name(f"{node.output[0]}_channels")
            kind = model.element_type(node.output[0])
            model.set_output(node, tensor)
            model.set_shape(tensor, shape)
            model.set_element_type(tensor, kind)
    result = end.output[0]
    model.remove(end)
    model.set_output(chain[-1], result)
    model.remove_unread(begin)


def _flattened(value: np.ndarray, wide: Sequence[int]) -> np.ndarray:
    """A constant for (n, a, b, ...), reshaped for (n, a * b, ...)."""
    whole = value.reshape(*[1] * (len(wide) - value.ndim), *value.shape)
    spread = np.broadcast_to(whole, (whole.shape[0], *wide[1:3], *whole.shape[3:]))
    return np.ascontiguousarray(spread.reshape(whole.shape[0], math.prod(wide[1:3]), *whole.shape[3:]))


def _repeated(model: Model, node: Node, tensor: str, index: np.ndarray) -> str:
    """The channels of a tensor with these indices, by a Gather in front of a node."""
    shape = model.shape(tensor)
    name = model.fresh_name(f"{node.name}_repeated")
    model.set_shape(name, [shape[0], len(index), *shape[2:]])
    places = model.add_constant(f"{name}_channels", index.astype(np.int64))
    model.insert_before(node, make_node("Gather", [tensor, places], [name], name=name, axis=1))
    return name
