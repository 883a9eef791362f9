"""Elementwise nodes as sequences of single float32 operations.

A `Step` has one meaning in two forms: `apply` in numpy and `to_onnx` for the onnxruntime session. Both are IEEE single
precision operations on the same constants, so they agree to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.arithmetic import OPERATIONS, Floats
from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import QUANTIZERS, attribute, constant, describe, elementwise_operand, required_constant
from bnnfpga.frontend.quantizers import Quantizer, quantizer_of

_ONNX = {
    "add": "Add",
    "subtract": "Sub",
    "subtract_from": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "divide_into": "Div",
    "maximum": "Max",
    "minimum": "Min",
    "round": "Round",
    "floor": "Floor",
    "ceil": "Ceil",
}
_ROUNDING = {"ROUND": "round", "FLOOR": "floor", "CEIL": "ceil"}


def _float32(value: Any) -> Floats:
    return np.asarray(value, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Step:
    """One float32 operation on each element, with a constant where it has one.

    `bnnfpga.arithmetic` says what the operations are.
    """

    operation: str
    constant: Floats | None = None

    def apply(self, x: Floats) -> Floats:
        """The numpy form; `x` must be float32 and is broadcast against the constant."""
        return OPERATIONS[self.operation](x, _float32(0) if self.constant is None else self.constant)

    def slope(self) -> NDArray[np.int8] | None:
        """Sign of the operation's slope, by element of the constant.

        +1 rising, -1 falling, 0 constant; None where it is not monotone over all numbers.
        """
        if self.operation == "multiply" or self.operation == "divide":
            return np.sign(self.constant).astype(np.int8) if self.constant is not None else None
        if self.operation == "subtract_from":
            return np.array(-1, dtype=np.int8)
        if self.operation == "divide_into":
            return None
        return np.array(1, dtype=np.int8)

    def to_onnx(self, x: str, y: str, name_constant: Callable[[Floats], str]) -> list[onnx.NodeProto]:
        """The ONNX form, reading tensor `x` and writing `y`."""
        if self.operation == "sign":
            zero, one, minus = (name_constant(_float32(value)) for value in (0, 1, -1))
            below = f"{y}_below"
            return [
                onnx.helper.make_node("Less", [x, zero], [below]),
                onnx.helper.make_node("Where", [below, minus, one], [y]),
            ]
        inputs = [x]
        if self.constant is not None:
            inputs.append(name_constant(self.constant))
            if self.operation in ("subtract_from", "divide_into"):
                inputs.reverse()
        return [onnx.helper.make_node(_ONNX[self.operation], inputs, [y])]


def apply_steps(steps: Sequence[Step], x: Floats) -> Floats:
    """Apply `steps` in order."""
    # Overflow to infinity is part of the meaning, as in onnxruntime.
    with np.errstate(all="ignore"):
        for step in steps:
            x = step.apply(x)
    return x


def quantizer_steps(quantizer: Quantizer) -> list[Step]:
    """From a value to its centred code (see `Quantizer`)."""
    if quantizer.bipolar:
        return [Step("sign")]
    steps = [Step("divide", quantizer.scale)]
    if quantizer.zero_point:
        steps.append(Step("add", _float32(quantizer.zero_point)))
    steps += [
        Step("maximum", _float32(quantizer.lo)),
        Step("minimum", _float32(quantizer.hi)),
        Step(_ROUNDING[quantizer.rounding]),
    ]
    if quantizer.zero_point:
        steps.append(Step("subtract", _float32(quantizer.zero_point)))
    return steps


def elementwise_steps(model: ModelWrapper, node: onnx.NodeProto) -> list[Step]:
    """The steps of an elementwise node; for a quantizer, those up to the value that its code stands for.

    Raises
    ------
    UserError
        If the node is not elementwise, or its parameters are not constant.
    """
    if node.op_type in QUANTIZERS:
        quantizer = quantizer_of(model, node)
        return [*quantizer_steps(quantizer), Step("multiply", quantizer.scale)]
    if node.op_type == "Relu":
        return [Step("maximum", _float32(0))]
    if node.op_type == "Clip":
        return _clip_steps(model, node)
    if node.op_type == "BatchNormalization":
        return _batch_norm_steps(model, node)
    if node.op_type in ("Add", "Sub", "Mul", "Div"):
        operand = elementwise_operand(model, node)
        name = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}[node.op_type]
        left = node.input[1] == operand
        if left and name in ("subtract", "divide"):
            name += "_from" if name == "subtract" else "_into"
        value: Any = constant(model, node.input[0 if left else 1])
        if name == "divide" and np.any(_float32(value) == 0):
            raise UserError("it divides by zero", where=describe(node))
        return [Step(name, _float32(value))]
    raise UserError("it is not elementwise", where=describe(node))


def _clip_steps(model: ModelWrapper, node: onnx.NodeProto) -> list[Step]:
    bounds: list[Step] = []
    for index, name in ((1, "maximum"), (2, "minimum")):
        bound: Any = attribute(node, "min" if index == 1 else "max", None)
        if len(node.input) > index and node.input[index]:
            bound = required_constant(model, node, index, "bound")
        if bound is not None:
            bounds.append(Step(name, _float32(bound)))
    return bounds


def _batch_norm_steps(model: ModelWrapper, node: onnx.NodeProto) -> list[Step]:
    scale, bias, mean, variance = (
        required_constant(model, node, index, meaning).astype(np.float32)
        for index, meaning in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    # Channels are the second axis of the tensor, so the constants get one axis for each axis behind it.
    trailing = len(model.get_tensor_shape(node.output[0])) - 2
    scale, bias, mean, variance = (array.reshape(-1, *[1] * trailing) for array in (scale, bias, mean, variance))
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance + np.float32(attribute(node, "epsilon", 1e-5)))
    if not np.all(np.isfinite(deviation) & (deviation > 0)):
        raise UserError("its variance is not positive", where=describe(node), hint="train or export it again")
    return [Step("subtract", mean), Step("divide", deviation), Step("multiply", scale), Step("add", bias)]
