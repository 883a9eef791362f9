"""Steps as ONNX nodes for the session.

A `Step` has one meaning and two implementations: `Step.apply` in numpy, and this one. Both are IEEE single precision
operations on the same constants, so they agree to the bit. Functions have none here: runtimes compute them differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from bnnfpga.numbers.arithmetic import JOINS, Floats, Step

ONNX_KINDS = {
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
    "absolute": "Abs",
}
"""The ONNX operator of each operation that is a single one."""
JOIN_OF = {ONNX_KINDS[operation]: operation for operation in JOINS}
"""The operation of each ONNX operator that joins two tensors."""
_CONSTANT_FIRST = ("subtract_from", "divide_into")


def step_to_onnx(step: Step, x: str, y: str, name_constant: Callable[[Floats], str]) -> list[onnx.NodeProto]:
    """The ONNX form of a step, reading tensor `x` and writing `y`."""
    writer = _StepWriter(y, name_constant)
    if step.operation in ONNX_KINDS:
        inputs = [x] if step.constant is None else [x, name_constant(step.constant)]
        writer.emit(ONNX_KINDS[step.operation], *(inputs[::-1] if step.operation in _CONSTANT_FIRST else inputs))
    elif step.operation == "count":
        assert step.constant is not None
        writer.count(x, step.constant)
    else:
        _CASES[step.operation](writer, x, step.constant)
    writer.nodes[-1].output[0] = y
    return writer.nodes


def join_to_onnx(step: Step, ends: Sequence[str], y: str) -> onnx.NodeProto:
    """The ONNX form of a step with branches, reading the branches' results `ends`."""
    return onnx.helper.make_node(ONNX_KINDS[step.operation], list(ends), [y])


class _StepWriter:
    """The nodes of one step; the last one written produces its result."""

    def __init__(self, name: str, name_constant: Callable[[Floats], str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._name = name
        self._name_constant = name_constant

    def constant(self, value: Any) -> str:
        return self._name_constant(np.asarray(value, dtype=np.float32))

    def emit(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = f"{self._name}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def where_negative(self, x: str, below: str, from_zero: str) -> str:
        return self.emit("Where", self.emit("Less", x, self.constant(0)), below, from_zero)

    def shifted(self, x: str, rounding: str, shift: float) -> str:
        return self.emit(rounding, self.emit("Add" if shift > 0 else "Sub", x, self.constant(abs(shift))))

    def count(self, x: str, thresholds: Floats) -> str:
        reached = [
            self.emit(
                "Cast",
                self.emit("GreaterOrEqual", x, self.constant(thresholds[..., level])),
                to=onnx.TensorProto.FLOAT,
            )
            for level in range(thresholds.shape[-1])
        ]
        return self.emit("Sum", *reached)


_CASES: dict[str, Callable[[_StepWriter, str, Floats | None], str]] = {
    "multiply_below_zero": lambda w, x, c: w.where_negative(x, w.emit("Mul", x, w.constant(c)), x),
    "round_up": lambda w, x, _: w.where_negative(x, w.emit("Floor", x), w.emit("Ceil", x)),
    "round_down": lambda w, x, _: w.where_negative(x, w.emit("Ceil", x), w.emit("Floor", x)),
    "round_half_up": lambda w, x, _: w.where_negative(x, w.shifted(x, "Ceil", -0.5), w.shifted(x, "Floor", 0.5)),
    "round_half_down": lambda w, x, _: w.where_negative(x, w.shifted(x, "Floor", 0.5), w.shifted(x, "Ceil", -0.5)),
    "sign": lambda w, x, _: w.where_negative(x, w.constant(-1), w.constant(1)),
    "sign_or_zero": lambda w, x, _: w.where_negative(
        x, w.constant(-1), w.emit("Where", w.emit("Greater", x, w.constant(0)), w.constant(1), w.constant(0))
    ),
}
"""Operations that need several ONNX nodes."""
