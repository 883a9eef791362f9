"""Elementwise nodes as sequences of single float32 operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that
from bnnfpga.frontend.forms.diamonds import branches_of
from bnnfpga.frontend.forms.function_nodes import function_of
from bnnfpga.frontend.forms.norms import norm_arithmetic
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    UNARY,
    attribute,
    describe,
    elementwise_operand,
    required_constant,
)
from bnnfpga.golden.onnx_form import JOIN_OF
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps

__all__ = ["Step", "apply_steps", "elementwise_steps"]

StepMeaning = Callable[[Model, Node], list[Step]]


def elementwise_steps(model: Model, node: Node) -> list[Step]:
    """The steps of an elementwise node; for a quantizer, up to the value that its code represents.

    Raises
    ------
    UserError
        If the node is not elementwise, or its parameters are not constant.
    """
    meaning = STEPS_OF.get(node.op_type)
    if meaning is None:
        raise UserError("it is not elementwise", where=describe(node), hint="leave it out of the model")
    return meaning(model, node)


def _quantizer(model: Model, node: Node) -> list[Step]:
    quantizer = quantizer_of(model, node)
    return [*quantizer.steps, Step("multiply", quantizer.scale)]


def _function(model: Model, node: Node) -> list[Step]:
    name, numbers = function_of(node)
    return [Step(name, None, numbers)]


def _power(model: Model, node: Node) -> list[Step]:
    name, numbers = function_of(node)
    return [Step(name, _float32(required_constant(model, node, 1, "exponent")), numbers)]


def _arithmetic(model: Model, node: Node) -> list[Step]:
    operand = elementwise_operand(model, node)
    operation = JOIN_OF[node.op_type]
    on_the_right = node.input[1] == operand
    if on_the_right and operation in ("subtract", "divide"):
        operation += "_from" if operation == "subtract" else "_into"
    value = _float32(model.constant(node.input[0 if on_the_right else 1]))
    if operation == "divide" and np.any(value == 0):
        raise UserError("it divides by zero", where=describe(node), hint="train or export the model again")
    return [Step(operation, value)]


def _norm(model: Model, node: Node) -> list[Step]:
    return [Step(JOIN_OF[operator], constant) for operator, constant in norm_arithmetic(model, node)]


def _clip(model: Model, node: Node) -> list[Step]:
    bounds: list[Step] = []
    for index, name in ((1, "maximum"), (2, "minimum")):
        bound: Any = attribute(node, "min" if index == 1 else "max", None)
        if len(node.input) > index and node.input[index]:
            bound = required_constant(model, node, index, "bound")
        if bound is not None:
            bounds.append(Step(name, _float32(bound)))
    return bounds


def _leaky_relu(model: Model, node: Node) -> list[Step]:
    return [Step("multiply_below_zero", _float32(attribute(node, "alpha", 0.01)))]


def _parametric_relu(model: Model, node: Node) -> list[Step]:
    return [Step("multiply_below_zero", _float32(required_constant(model, node, 1, "slope")))]


def _hard_sigmoid(model: Model, node: Node) -> list[Step]:
    alpha, beta = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
    numbers = (("multiply", alpha), ("add", beta), ("minimum", 1), ("maximum", 0))
    return [Step(operation, _float32(number)) for operation, number in numbers]


def _branches(model: Model, node: Node) -> list[Step]:
    branches = tuple(
        tuple(step for item in branch for step in elementwise_steps(model, item)) for branch in branches_of(node)
    )
    return [Step(JOIN_OF[str(attribute(node, "last", ""))], branches=branches)]


def _always(operation: str, number: float | None = None) -> StepMeaning:
    """A single operation, the same for all nodes of the operator."""
    step = Step(operation, None if number is None else _float32(number))
    return lambda model, node: [step]


def _float32(value: Any) -> Floats:
    return np.asarray(value, dtype=np.float32)


STEPS_OF: dict[str, StepMeaning] = {
    **dict.fromkeys(kinds_that(lambda traits: traits.quantizes), _quantizer),
    **dict.fromkeys(kinds_that(lambda traits: traits.rounded_once), _function),
    **dict.fromkeys(JOIN_OF, _arithmetic),
    UNARY: _branches,
    "Abs": _always("absolute"),
    "BatchNormalization": _norm,
    "Ceil": _always("ceil"),
    "Clip": _clip,
    "Floor": _always("floor"),
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _leaky_relu,
    "Neg": _always("multiply", -1),
    "PRelu": _parametric_relu,
    "Pow": _power,
    "Reciprocal": _always("divide_into", 1),
    "Relu": _always("maximum", 0),
    "Round": _always("round"),
}
"""The sequence of float32 operations that each elementwise operator stands for."""
