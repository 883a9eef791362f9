"""Magnitudes of quantised numbers, which are multiples of the same scale."""

from __future__ import annotations

from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    DOT_PRODUCTS,
    PAIRING,
    QONNX_DOMAIN,
    QUANTIZERS,
    comes_from_constants,
    data_operands,
)
from bnnfpga.frontend.graph.rewriting import Rewrite

_SUMMING = (*DOT_PRODUCTS, "AveragePool")
"""What needs integers, beside that which takes two streams."""
_MAX_CODE = 255


class QuantizersOfMagnitudes(Rewrite):
    """Abs and Relu of what a quantizer makes get the quantizer that says that they are codes times the same scale.

    It changes no number, and stands where something needs integers before another quantizer comes.
    """

    kinds = ("Abs", "Relu")

    def visit(self, model: Model, node: Node) -> bool:
        source = model.producer(node.input[0])
        if source is None or source.op_type not in QUANTIZERS or comes_from_constants(model, source.output[0]):
            return False
        if not _is_summed(model, node.output[0]):
            return False
        quantizer = quantizer_of(model, source)
        largest = max(quantizer.hi, -quantizer.lo if node.op_type == "Abs" else 0)
        if not 0 < largest <= _MAX_CODE:
            return False
        name = f"{node.name}_codes"
        parameters = (quantizer.scale, 0, largest.bit_length())
        roles = ("scale", "zero_point", "bits")
        constants = [model.add_constant(f"{name}_{role}", value) for role, value in zip(roles, parameters, strict=True)]
        result = model.fresh_name(name)
        model.set_shape(result, model.shape(node.output[0]))
        model.replace_input(node.output[0], result)
        new = make_node(
            "Quant",
            [node.output[0], *constants],
            [result],
            name=name,
            domain=QONNX_DOMAIN,
            origin=node.origin,
            signed=0,
            narrow=0,
            rounding_mode="ROUND",
        )
        model.insert_after(node, new)
        return True


def _is_summed(model: Model, tensor: str) -> bool:
    """Whether something on the way to the next quantizers needs integers."""
    seen: set[Node] = set()
    ahead = model.consumers(tensor)
    while ahead:
        reader = ahead.pop()
        if reader in seen or reader.op_type in QUANTIZERS:
            continue
        seen.add(reader)
        if reader.op_type in _SUMMING or (reader.op_type in PAIRING and len(data_operands(model, reader)) > 1):
            return True
        ahead += model.consumers(reader.output[0])
    return False
