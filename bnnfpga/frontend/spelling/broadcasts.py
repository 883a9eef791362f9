"""Operands that a sum or product broadcasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    comes_from_constants,
    data_operands,
    describe,
)
from bnnfpga.frontend.graph.transform import Transform


class StretchedOperands(Transform):
    """What a sum or product broadcasts is repeated in front of it: channels by a Gather, pixels by a Resize."""

    kinds = kinds_that(lambda traits: traits.pairs)

    def visit(self, model: Model, node: Node) -> bool:
        if len(_streams(model, node)) != 2:
            return False
        target = model.shape(node.output[0])
        for index, name in enumerate(node.input):
            shape = model.shape(name)
            if target and shape and shape != target and len(shape) == len(target) > 1:
                _stretch(model, node, index, shape, target)
                return True
        return False


class RepeatedConstants(Transform):
    """A constant that an exporter repeats for each pixel is reduced to a single one."""

    kinds = kinds_that(lambda traits: traits.broadcasts and not traits.quantizes)

    def visit(self, model: Model, node: Node) -> bool:
        shape = model.shape(node.output[0])
        if not any(model.constant(name) is None and model.shape(name) == shape for name in node.input if name):
            return False
        changed = False
        for index, name in enumerate(node.input):
            value = model.constant(name) if name else None
            if value is None or value.ndim > len(shape):
                continue
            once = value
            for axis in range(max(0, value.ndim - len(shape) + 2), value.ndim):  # channels are axis 1 of the shape
                first = once.take([0], axis)
                once = first if np.all(once == first) else once
            if once.shape != value.shape:
                model.set_input(node, index, model.add_constant(f"{name}_once", np.ascontiguousarray(once)))
                changed = True
        return changed


def _stretch(model: Model, node: Node, index: int, shape: list[int], target: list[int]) -> None:
    """Repeat one more axis of an operand; the shape check reports operands that do not broadcast."""
    options: dict[str, Any]
    if shape[1] != target[1]:
        repeated = [shape[0], target[1], *shape[2:]]
        operand = model.add_constant(f"{node.name}_channels", np.zeros(target[1], dtype=np.int64))
        kind, inputs, options = "Gather", [node.input[index], operand], {"axis": 1}
    else:
        repeated = target
        factors = np.array([to / of for of, to in zip(shape, target, strict=True)], dtype=np.float32)
        operand = model.add_constant(f"{node.name}_factors", factors)
        kind, inputs = "Resize", [node.input[index], "", operand]
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    result = model.fresh_name(f"{node.name}_stretched")
    model.set_shape(result, repeated)
    repeat = make_node(kind, inputs, [result], name=result, **options)
    model.insert_before(node, repeat)
    model.set_input(node, index, result)


def _streams(model: Model, node: Node) -> list[str]:
    return [name for name in data_operands(model, node) if not comes_from_constants(model, name)]


def check_products(model: Model) -> None:
    """Refuse nodes on two streams that are neither a sum nor a product."""
    for node in model.nodes:
        traits = traits_of(node)
        if not traits.broadcasts or traits.quantizes or traits.pairs:
            continue
        if len(_streams(model, node)) > 1:
            raise UserError(
                "both its operands depend on the image; two streams can only be added, subtracted, multiplied or "
                "concatenated",
                where=describe(node),
                hint="use an Add or Mul of two quantised streams instead, or leave the node out",
            )
