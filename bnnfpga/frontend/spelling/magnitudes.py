"""Magnitudes of quantised numbers, which stay multiples of the same scale."""

from __future__ import annotations

from collections.abc import Callable

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.quantizers import Quantizer, quantizer_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    QONNX_DOMAIN,
    comes_from_constants,
    data_operands,
)
from bnnfpga.frontend.graph.transform import Transform

_LARGEST: dict[str, Callable[[Quantizer], int]] = {
    "Abs": lambda quantizer: max(quantizer.hi, -quantizer.lo),
    "Relu": lambda quantizer: quantizer.hi,
}
"""By operator, the largest magnitude that it computes from a quantizer's codes."""
_MAX_CODE = 255


class QuantizersOfMagnitudes(Transform):
    """Abs and Relu of quantised numbers get a quantizer that states that their results are codes of the same scale.

    It changes no number, and is inserted only where integers are needed before the next quantizer.
    """

    kinds = tuple(_LARGEST)

    def visit(self, model: Model, node: Node) -> bool:
        source = model.producer(node.input[0])
        if source is None or not traits_of(source).quantizes or comes_from_constants(model, source.output[0]):
            return False
        if not _is_summed(model, node.output[0]):
            return False
        quantizer = quantizer_of(model, source)
        largest = _LARGEST[node.op_type](quantizer)
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
    """Whether any node before the next quantizers needs integers."""
    seen: set[Node] = set()
    ahead = model.consumers(tensor)
    while ahead:
        reader = ahead.pop()
        if reader in seen or traits_of(reader).quantizes:
            continue
        seen.add(reader)
        traits = traits_of(reader)
        if traits.dot_product or traits.averages or (traits.pairs and len(data_operands(model, reader)) > 1):
            return True
        ahead += model.consumers(reader.output[0])
    return False
