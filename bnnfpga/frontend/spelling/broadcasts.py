"""Streams that a sum or product stretches to the shape of the other one."""

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
    """What a sum or product stretches is repeated in front of it: channels by a Gather, pixels by a Resize."""

    kinds = kinds_that(lambda traits: traits.pairs)

    def visit(self, model: Model, node: Node) -> bool:
        if len(_streams(model, node)) != 2:
            return False
        wanted = model.shape(node.output[0])
        for index, name in enumerate(node.input):
            shape = model.shape(name)
            if wanted and shape and shape != wanted and len(shape) == len(wanted) > 1:
                _stretch(model, node, index, shape, wanted)
                return True
        return False


class RepeatedConstants(Transform):
    """A constant that an exporter has written once for each pixel, and that is the same for all, is written once."""

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


def _stretch(model: Model, node: Node, index: int, shape: list[int], wanted: list[int]) -> None:
    """Repeat one axis more of an operand; what does not stretch is left to the check of shapes."""
    options: dict[str, Any]
    if shape[1] != wanted[1]:
        made = [shape[0], wanted[1], *shape[2:]]
        operand = model.add_constant(f"{node.name}_channels", np.zeros(wanted[1], dtype=np.int64))
        kind, inputs, options = "Gather", [node.input[index], operand], {"axis": 1}
    else:
        made = wanted
        factors = np.array([to / of for of, to in zip(shape, wanted, strict=True)], dtype=np.float32)
        operand = model.add_constant(f"{node.name}_factors", factors)
        kind, inputs = "Resize", [node.input[index], "", operand]
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    result = model.fresh_name(f"{node.name}_stretched")
    model.set_shape(result, made)
    repeat = make_node(kind, inputs, [result], name=result, **options)
    model.insert_before(node, repeat)
    model.set_input(node, index, result)


def _streams(model: Model, node: Node) -> list[str]:
    return [name for name in data_operands(model, node) if not comes_from_constants(model, name)]


def check_products(model: Model) -> None:
    """Refuse what of two streams is neither a sum nor a product."""
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
