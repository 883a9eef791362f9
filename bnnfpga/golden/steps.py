"""Elementwise nodes as sequences of single float32 operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.diamonds import branches_of
from bnnfpga.frontend.forms.function_nodes import function_of
from bnnfpga.frontend.forms.norms import norm_arithmetic
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    FUNCTION_NODES,
    QUANTIZERS,
    UNARY,
    attribute,
    describe,
    elementwise_operand,
    required_constant,
)
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps

__all__ = ["Step", "apply_steps", "elementwise_steps"]

_BINARY = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum", "Min": "minimum"}
_UNARY = {"Round": "round", "Floor": "floor", "Ceil": "ceil", "Abs": "absolute"}


def elementwise_steps(model: Model, node: Node) -> list[Step]:
    """The steps of an elementwise node; for a quantizer, those up to the value that its code stands for.

    Raises
    ------
    UserError
        If the node is not elementwise, or its parameters are not constant.
    """
    kind = node.op_type
    if kind in QUANTIZERS:
        quantizer = quantizer_of(model, node)
        return [*quantizer.steps, Step("multiply", quantizer.scale)]
    if kind in _BINARY:
        return [_binary_step(model, node)]
    if kind in _UNARY:
        return [Step(_UNARY[kind])]
    if kind in FUNCTION_NODES:
        return [_function(model, node)]
    if kind == UNARY:
        return [_unary(model, node)]
    if kind == "Reciprocal":
        return [Step("divide_into", _float32(1))]
    if kind == "Neg":
        return [Step("multiply", _float32(-1))]
    if kind == "Relu":
        return [Step("maximum", _float32(0))]
    if kind == "LeakyRelu":
        return [Step("multiply_below_zero", _float32(attribute(node, "alpha", 0.01)))]
    if kind == "PRelu":
        return [Step("multiply_below_zero", _float32(required_constant(model, node, 1, "slope")))]
    if kind == "HardSigmoid":
        alpha, beta = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
        numbers = (("multiply", alpha), ("add", beta), ("minimum", 1), ("maximum", 0))
        return [Step(operation, _float32(number)) for operation, number in numbers]
    if kind == "Clip":
        return _clip_steps(model, node)
    if kind == "BatchNormalization":
        return [Step(_BINARY[operator], constant) for operator, constant in norm_arithmetic(model, node)]
    raise UserError("it is not elementwise", where=describe(node), hint="leave it out of the model")


def _function(model: Model, node: Node) -> Step:
    name, numbers = function_of(node)
    exponent = _float32(required_constant(model, node, 1, "exponent")) if node.op_type == "Pow" else None
    return Step(name, exponent, numbers)


def _binary_step(model: Model, node: Node) -> Step:
    operand = elementwise_operand(model, node)
    operation = _BINARY[node.op_type]
    on_the_right = node.input[1] == operand
    if on_the_right and operation in ("subtract", "divide"):
        operation += "_from" if operation == "subtract" else "_into"
    value = _float32(model.constant(node.input[0 if on_the_right else 1]))
    if operation == "divide" and np.any(value == 0):
        raise UserError("it divides by zero", where=describe(node), hint="train or export the model again")
    return Step(operation, value)


def _clip_steps(model: Model, node: Node) -> list[Step]:
    bounds: list[Step] = []
    for index, name in ((1, "maximum"), (2, "minimum")):
        bound: Any = attribute(node, "min" if index == 1 else "max", None)
        if len(node.input) > index and node.input[index]:
            bound = required_constant(model, node, index, "bound")
        if bound is not None:
            bounds.append(Step(name, _float32(bound)))
    return bounds


def _unary(model: Model, node: Node) -> Step:
    branches = tuple(
        tuple(step for item in branch for step in elementwise_steps(model, item)) for branch in branches_of(node)
    )
    return Step(_BINARY[str(attribute(node, "last", ""))], branches=branches)


def _float32(value: Any) -> Floats:
    return np.asarray(value, dtype=np.float32)
