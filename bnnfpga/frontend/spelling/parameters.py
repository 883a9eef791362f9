"""Constant operands: weights get a quantizer, all others become plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.forms.scaled_integers import as_scaled_integers
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    QONNX_DOMAIN,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.arithmetic import Floats, apply_steps

_MAX_PARAMETER_BITS = 32


class FoldQuantizedParameters(Transform):
    """A quantizer of constants that are not weights (of a bias, say) is folded."""

    kinds = kinds_that(lambda traits: traits.quantizes_weights)

    def visit(self, model: Model, node: Node) -> bool:
        value = model.constant(node.input[0])
        if value is None or _is_weight(model, node.output[0]):
            return False
        quantizer = quantizer_of(model, node, _MAX_PARAMETER_BITS)
        codes = apply_steps(quantizer.steps, value.astype(np.float32))
        model.remove(node)
        model.set_constant(node.output[0], codes * quantizer.scale)
        return True


def _is_weight(model: Model, tensor: str) -> bool:
    for node in model.consumers(tensor):
        if (traits_of(node).dot_product and node.input[1] == tensor) or (
            traits_of(node).layout and _is_weight(model, node.output[0])
        ):
            return True
    return False


class QuantizersOfRawWeights(Transform):
    """Plain weights that are a scale times integers of at most 8 bits get a quantizer that states this."""

    kinds = kinds_that(lambda traits: traits.dot_product)

    def visit(self, model: Model, node: Node) -> bool:
        weights = model.constant(node.input[1])
        outputs = 0 if traits_of(node).outputs_first else 1
        split = None if weights is None else as_scaled_integers(weights.astype(np.float32), outputs)
        if split is None:
            return False
        quantizer = _quantizer(model, node, *split)
        model.insert_before(node, quantizer)
        model.set_input(node, 1, quantizer.output[0])
        return True


def _quantizer(model: Model, node: Node, codes: Floats, scale: Floats) -> Node:
    name = f"{node.name}_weights"
    inputs = [node.input[1], model.add_constant(f"{name}_scale", scale)]
    kind = "BipolarQuant" if np.all(np.abs(codes) == 1) else "Quant"
    attributes: dict[str, Any] = {}
    if kind == "Quant":
        # At least 1, for two bits: in QONNX, one signed bit means -1 and +1.
        largest = max(int(codes.max()), -int(codes.min()) - 1, 1)
        inputs.append(model.add_constant(f"{name}_zero_point", 0))
        inputs.append(model.add_constant(f"{name}_bits", 1 + largest.bit_length()))
        attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    output = model.fresh_name(name)
    model.set_shape(output, list(codes.shape))
    return make_node(kind, inputs, [output], name=name, domain=QONNX_DOMAIN, **attributes)
