"""The function of `bnnfpga.numbers.float_functions` that a node computes, and its parameters."""

from __future__ import annotations

import onnx

from bnnfpga.frontend.contract.table import kinds_that
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import attribute

_FUNCTIONS: dict[str, str] = {
    **{name: name.lower() for name in kinds_that(lambda traits: traits.rounded_once)},
    "HardSwish": "hard_swish",
    "Pow": "power",
    "ThresholdedRelu": "thresholded_relu",
}
_OWN: dict[str, tuple[tuple[str, float], ...]] = {
    "Celu": (("alpha", 1.0),),
    "Elu": (("alpha", 1.0),),
    "Selu": (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)),
    "Shrink": (("bias", 0.0), ("lambd", 0.5)),
    "Swish": (("alpha", 1.0),),
    "ThresholdedRelu": (("alpha", 1.0),),
}
"""Attributes of functions, in the order of the function's parameters, with defaults."""


def function_of(node: Node | onnx.NodeProto) -> tuple[str, tuple[float, ...]]:
    """The function that a `rounded_once` node computes, and its parameters."""
    kind = node.op_type
    if kind == "Gelu" and attribute(node, "approximate", "none") == "tanh":
        return "gelu_by_tanh", ()
    return _FUNCTIONS[kind], tuple(float(attribute(node, name, default)) for name, default in _OWN.get(kind, ()))
