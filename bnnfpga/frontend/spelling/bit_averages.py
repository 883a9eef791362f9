"""FINN's QuantAvgPool2d: sums of integers, without the lowest bits of the sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.quantizers import Quantizer, quantizer_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    QONNX_DOMAIN,
    attribute,
    describe,
    required_shape,
    scalar_operand,
)
from bnnfpga.frontend.graph.transform import Transform

_MAX_BITS = 8
_NEAR = 2.0**-10


class AverageOfBitsToQuant(Transform):
    """QuantAvgPool2d becomes a rounded average times its pixels, and a Quant in steps of 2^n that drops n bits.

    Rounding restores the integer sum from the average's rounding error, as in QONNX's definition. If no bits are
    dropped and a quantizer guarantees integers, a Conv sums them.
    """

    kinds = ("QuantAvgPool2d",)

    def visit(self, model: Model, node: Node) -> bool:
        shape = required_shape(model, node, node.input[0])
        integers = _reads_integers(model, node)
        kernel, stride, shift = attribute(node, "kernel", 1), attribute(node, "stride", 1), _dropped_bits(node)
        sliding = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
        if integers and not shift:
            ones = np.ones((shape[1], 1, kernel, kernel), dtype=np.float32)
            _replace(model, node, [("Conv", [ones], {**sliding, "group": shape[1]})])
            return True
        step = 2.0**shift
        bits = attribute(node, "obits", 1)
        if bits > _MAX_BITS:
            raise UserError(
                f"its integers have {bits} bits; at most {_MAX_BITS} can be compiled"
                + ("" if integers else " where no quantizer without a scale stands in front of it"),
                where=describe(node),
                hint="let it give fewer bits, or quantise in front of it",
            )
        # Eight bits hold all codes of its own width, so nothing is clipped.
        rounding = {"signed": attribute(node, "signed", 0), "narrow": 0, "rounding_mode": "FLOOR"}
        chain: list[_Link] = [
            ("AveragePool", [], sliding),
            ("Mul", [kernel**2], {}),
            ("Round", [], {}),
            ("Quant", [step, 0, _MAX_BITS], rounding),
            ("Mul", [1 / step], {}),
        ]
        _replace(model, node, chain)
        return True


_Link = tuple[str, list[Any], dict[str, Any]]
"""A node of a chain: its operator, the constants after its first input, its attributes."""


def _replace(model: Model, node: Node, chain: list[_Link]) -> None:
    new = []
    tensor = node.input[0]
    for place, (kind, constants, attributes) in enumerate(chain):
        name = node.name if place == 0 else f"{node.name}_{kind.lower()}"
        inputs = [tensor, *(model.add_constant(f"{name}_constant", value) for value in constants)]
        tensor = node.output[0]
        if place < len(chain) - 1:
            tensor = model.fresh_name(f"{name}_made")
            model.set_shape(tensor, model.shape(node.output[0]))
        domain = QONNX_DOMAIN if kind == "Quant" else ""
        new.append(make_node(kind, inputs, [tensor], name=name, domain=domain, **attributes))
    model.replace(node, *new)


def _dropped_bits(node: Node) -> int:
    """The number of bits by which the largest sum is wider than the output."""
    largest = (2 ** attribute(node, "ibits", 1) - 1) * attribute(node, "kernel", 1) ** 2
    return max(0, int(largest).bit_length() - int(attribute(node, "obits", 1)))


def _reads_integers(model: Model, node: Node) -> bool:
    """Whether its input comes from a quantizer of scale one; otherwise it is integers up to rounding errors.

    Raises
    ------
    UserError
        If its input is not integers in the range of its attributes. The model's input is the user's to describe.
    """
    factor, tensor = 1.0, node.input[0]
    above = model.producer(tensor)
    while above is not None and (_passes_on(above) or traits_of(above).scales):
        tensor = above.input[0]
        if traits_of(above).scales:
            number = scalar_operand(model, above)
            if not number or model.constant(above.input[1]) is None:
                break
            factor = factor * number if traits_of(above).multiplies else factor / number
        above = model.producer(tensor)
    if above is None:
        return False
    if not traits_of(above).quantizes:
        raise UserError(
            f"its input must be integers, but {describe(above)} in front of it is not a quantizer",
            where=describe(node),
            hint="put a quantizer in front of it",
        )
    quantizer = quantizer_of(model, above)
    units = quantizer.scale.astype(np.float64) * factor
    if np.any(np.abs(units - 1) > _NEAR):
        raise UserError(
            f"its input must be integers, but {describe(above)} in front of it gives multiples of {units.flat[0]:g}",
            where=describe(node),
            hint="divide by the scale in front of it, and multiply behind it",
        )
    _check_range(node, quantizer)
    return bool(np.all(quantizer.scale == 1)) and factor == 1


def _passes_on(node: Node) -> bool:
    """Whether each element of its output is one of its input."""
    return traits_of(node).moves or traits_of(node).takes_extremum


def _check_range(node: Node, quantizer: Quantizer) -> None:
    """Refuse integers outside the range of its attributes."""
    bits, signed = attribute(node, "ibits", 1), attribute(node, "signed", 0)
    lo, hi = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if quantizer.lo < lo or quantizer.hi > hi:
        raise UserError(
            f"its ibits and signed are those of integers from {lo} to {hi}, but the quantizer in front of it gives "
            f"{quantizer.lo} to {quantizer.hi}",
            where=describe(node),
            hint="set its ibits and signed to what it reads",
        )
