"""Constant operands: weights are behind a quantizer, everything else is plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.arithmetic import Floats, apply_steps
from bnnfpga.frontend.nodes import (
    DOT_PRODUCTS,
    LAYOUT_OPS,
    QONNX_DOMAIN,
    WEIGHT_QUANTIZERS,
    add_constant,
    constant,
    consumers,
    fresh_name,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.frontend.scaled_integers import as_scaled_integers

_MOST_PARAMETER_BITS = 32


class FoldQuantizedParameters(Transformation):  # type: ignore[misc]
    """A quantizer of constants that are no weights (of a bias, say) is evaluated."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in WEIGHT_QUANTIZERS:
                continue
            value = constant(model, node.input[0])
            if value is None or _is_weight(model, node.output[0]):
                continue
            quantizer = quantizer_of(model, node, _MOST_PARAMETER_BITS)
            codes = apply_steps(quantizer.steps, value.astype(np.float32))
            model.set_initializer(node.output[0], codes * quantizer.scale)
            model.graph.node.remove(node)
            return model, True
        return model, False


def _is_weight(model: ModelWrapper, tensor: str) -> bool:
    for node in consumers(model, tensor):
        if (node.op_type in DOT_PRODUCTS and node.input[1] == tensor) or (
            node.op_type in ("Transpose", *LAYOUT_OPS) and _is_weight(model, node.output[0])
        ):
            return True
    return False


class QuantizersOfRawWeights(Transformation):  # type: ignore[misc]
    """Plain weights that are a scale times integers of at most 8 bits get the quantizer that says so."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            weights = constant(model, node.input[1]) if node.op_type in DOT_PRODUCTS else None
            outputs = 0 if node.op_type == "Conv" else 1
            found = None if weights is None else as_scaled_integers(weights.astype(np.float32), outputs)
            if found is None:
                continue
            quantizer = _quantizer(model, node, *found)
            node.input[1] = quantizer.output[0]
            model.graph.node.insert(list(model.graph.node).index(node), quantizer)
            return model, True
        return model, False


def _quantizer(model: ModelWrapper, node: onnx.NodeProto, codes: Floats, scale: Floats) -> onnx.NodeProto:
    name = f"{node.name}_weights"
    inputs = [node.input[1], add_constant(model, f"{name}_scale", scale)]
    kind = "BipolarQuant" if np.all(np.abs(codes) == 1) else "Quant"
    attributes: dict[str, Any] = {}
    if kind == "Quant":
        # At least 1, for two bits: QONNX has one signed bit mean -1 and +1.
        largest = max(int(codes.max()), -int(codes.min()) - 1, 1)
        inputs.append(add_constant(model, f"{name}_zero_point", 0))
        inputs.append(add_constant(model, f"{name}_bits", 1 + largest.bit_length()))
        attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    output = fresh_name(model, name)
    model.set_tensor_shape(output, list(codes.shape))
    return onnx.helper.make_node(kind, inputs, [output], name=name, domain=QONNX_DOMAIN, **attributes)
