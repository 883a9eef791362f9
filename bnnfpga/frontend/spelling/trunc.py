"""QONNX's Trunc: quantised values without their lowest bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN, attribute, describe, required_constant
from bnnfpga.frontend.graph.transform import Transform

_MAX_UNCLIPPED_BITS = 6
_MAX_SHIFT = 32


class TruncToQuant(Transform):
    """Trunc becomes Div and Round, which restore its input's integers, a Quant of these in steps of 2^n, and a Mul.

    Version 1 (five inputs) does not state whether its numbers are signed, and may round up to one more bit: its Quant
    is signed and two bits wider, which holds them all. Its scale stays that of the input.
    """

    kinds = ("Trunc",)

    def visit(self, model: Model, node: Node) -> bool:
        _spell(model, node)
        return True


def _spell(model: Model, node: Node) -> None:
    scale, zero_point, input_bits, *rest = (_number(model, node, index) for index in range(1, len(node.input)))
    attributes = {"rounding_mode": attribute(node, "rounding_mode", "FLOOR"), "signed": 1, "narrow": 0}
    if len(rest) == 2:
        output_scale, bits = rest
        shift = float(round(math.log2(output_scale / scale))) if scale > 0 and output_scale > 0 else -1.0
        exact = math.isclose(output_scale, scale * 2.0**shift, rel_tol=1e-6)
        attributes |= {name: attribute(node, name, attributes[name]) for name in ("signed", "narrow")}
    else:
        output_scale, bits, shift = scale, rest[0] + 2, input_bits - rest[0]
        if rest[0] > _MAX_UNCLIPPED_BITS:
            raise UserError(
                f"version 1 of Trunc does not clip, and without clipping at most "
                f"{_MAX_UNCLIPPED_BITS} bits can be compiled",
                where=describe(node),
                hint="export with version 2 of QONNX's operators",
            )
        exact = zero_point == 0 and shift % 1 == 0
    if attributes["signed"] and rest[-1] == 1:
        raise UserError(
            "it leaves a signed integer of one bit, -1 or 0", where=describe(node), hint="leave two bits or more"
        )
    if not 0 <= shift <= _MAX_SHIFT or not exact:
        raise UserError(
            "it does not divide by a power of two",
            where=describe(node),
            hint="give it an output scale that is a power of two times that of its input",
        )
    step = 2.0**shift
    if zero_point % step:
        raise UserError(
            f"its zero point {zero_point:g} is not a multiple of {step:g}, by which it divides",
            where=describe(node),
            hint="use zero point 0",
        )
    shifted = zero_point != 0
    # The Quant's value is code * step, and step is a power of two: the product of both factors is the output's scale.
    chain: list[tuple[str, list[float]]] = [
        ("Div", [scale]),
        *([("Add", [zero_point])] if shifted else []),
        ("Round", []),
        *([("Sub", [zero_point])] if shifted else []),
        ("Quant", [step, zero_point / step, bits]),
        ("Mul", [output_scale / step]),
    ]
    _replace(model, node, chain, attributes)


def _number(model: Model, node: Node, index: int) -> float:
    value = required_constant(model, node, index, f"input {index}")
    if value.size != 1:
        raise UserError(f"its input {index} is not a scalar", where=describe(node), hint="truncate per tensor")
    return float(value.item())


def _replace(model: Model, node: Node, chain: list[tuple[str, list[float]]], attributes: Mapping[str, Any]) -> None:
    new: list[Node] = []
    tensor = node.input[0]
    shape = model.shape(tensor)
    for offset, (kind, constants) in enumerate(chain):
        inputs = [tensor]
        for value in constants:
            inputs.append(model.add_constant(f"{node.name}_constant", value))
        tensor = node.output[0]
        if offset < len(chain) - 1:
            tensor = model.fresh_name(f"{node.name}_{kind.lower()}")
            model.set_shape(tensor, shape)
        is_quantizer = kind == "Quant"
        domain, options = (QONNX_DOMAIN, attributes) if is_quantizer else ("", {})
        new.append(make_node(kind, inputs, [tensor], name=f"{node.name}_{kind.lower()}", domain=domain, **options))
    model.replace(node, *new)
