"""FINN's QuantAvgPool2d: sums of integers without their lowest bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model, Node, make_node
from bnnfpga.frontend.nodes import LAYOUT_OPS, QONNX_DOMAIN, QUANTIZERS, attribute, describe, required_shape
from bnnfpga.frontend.quantizers import Quantizer, quantizer_of
from bnnfpga.frontend.rewriting import Rewrite

_LEAST_BITS = 8
_HANDED_ON = ("MaxPool", "Transpose", "Gather", "Resize", *LAYOUT_OPS)
"""Nodes whose numbers are those of what they read."""


class AverageOfBitsToQuant(Rewrite):
    """QuantAvgPool2d becomes an average times its pixels, rounded, and a Quant in steps of 2^n that drops n bits.

    Rounding makes the integer sum of what the average's own rounding leaves, as in QONNX' definition. Where no bits are
    dropped, and a quantizer says that there are integers, a Conv sums them.
    """

    kinds = ("QuantAvgPool2d",)

    def visit(self, model: Model, node: Node) -> bool:
        shape = required_shape(model, node, node.input[0])
        quantizer = _quantizer_above(model, node)
        integers = quantizer is not None and bool(np.all(quantizer.scale == 1))
        if quantizer is not None and integers:
            _check_range(node, quantizer)
        kernel, stride, shift = attribute(node, "kernel", 1), attribute(node, "stride", 1), _dropped_bits(node)
        sliding = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
        if integers and not shift:
            ones = np.ones((shape[1], 1, kernel, kernel), dtype=np.float32)
            _replace(model, node, [("Conv", [ones], {**sliding, "group": shape[1]})])
            return True
        step = 2.0**shift
        # It clips nothing: the bits that it says, which a quantizer above keeps to, are no more.
        bits = max(attribute(node, "obits", 1), _LEAST_BITS)
        rounding = {"signed": attribute(node, "signed", 0), "narrow": 0, "rounding_mode": "FLOOR"}
        chain: list[_Link] = [
            ("AveragePool", [], sliding),
            ("Mul", [kernel**2], {}),
            ("Round", [], {}),
            ("Quant", [step, 0, bits], rounding),
            ("Mul", [1 / step], {}),
        ]
        _replace(model, node, chain)
        return True


_Link = tuple[str, list[Any], dict[str, Any]]
"""A node of a chain: its operator, the constants behind its first input, its attributes."""


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
    """By how many bits the largest sum of its input's bits is longer than its output."""
    largest = (2 ** attribute(node, "ibits", 1) - 1) * attribute(node, "kernel", 1) ** 2
    return max(0, int(largest).bit_length() - int(attribute(node, "obits", 1)))


def _quantizer_above(model: Model, node: Node) -> Quantizer | None:
    """The quantizer whose numbers it reads; None where something else makes them."""
    above = model.producer(node.input[0])
    while above is not None and above.op_type in _HANDED_ON:
        above = model.producer(above.input[0])
    return quantizer_of(model, above) if above is not None and above.op_type in QUANTIZERS else None


def _check_range(node: Node, quantizer: Quantizer) -> None:
    """Refuse integers that its attributes do not hold."""
    bits, signed = attribute(node, "ibits", 1), attribute(node, "signed", 0)
    lo, hi = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if quantizer.lo < lo or quantizer.hi > hi:
        raise UserError(
            f"its ibits and signed are those of integers from {lo} to {hi}, and the quantizer in front of it gives "
            f"{quantizer.lo} to {quantizer.hi}",
            where=describe(node),
            hint="let its attributes say what it reads",
        )
