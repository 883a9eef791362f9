"""Elementwise operators: the values of all images at once, and the size of their terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from bnnfpga.golden.check.libraries import Unknown, attribute, run_node
from bnnfpga.golden.check.number import ROUNDING, Array, Doubles, Number, Operand, compact, representable

_Size = Callable[[onnx.NodeProto, list[Array], list[Doubles]], Any]
_TABULATED = 4 / 16
"""4 units in the last place, as a part of the 16 that `ROUNDING` allows."""


def evaluate(node: onnx.NodeProto, operands: Sequence[Operand], opset: int) -> Number:
    """The output of an elementwise node."""
    numbers = _aligned(operands)
    values = [None if number is None else number.value for number in numbers]
    present = [number for number in numbers if number is not None]
    if any(item.name in ("broadcast", "axis", "consumed_inputs") for item in node.attribute):
        raise Unknown("its attributes are those of ONNX before version 7")
    if present[0].value.dtype.kind != "f" and node.op_type not in ("Where", "Cast"):
        return _of_integers(node, present, values, opset)
    if node.op_type == "Cast":
        return _cast(node, present[0])
    kind = OPERATORS[node.op_type]
    if kind is _function:
        return _function_of(node, present[0], values, opset)
    value = _run(node, values, opset)
    sizes = [number.size for number in present]
    size = np.asarray(kind(node, [number.value for number in present], sizes))
    exact = np.array(True)
    for number in present:
        exact = exact & number.exact
    if node.op_type == "Where":
        size = np.where(present[0].exact, size, size + np.abs(values[1] - values[2]) / ROUNDING)  # type: ignore[operator]
    if np.any(exact):
        exact = compact(exact & representable(value))
    number = Number(value, size, exact)
    return _held(node, numbers, number, opset) if node.op_type in _CLAMPS else number


def _run(node: onnx.NodeProto, values: Sequence[Array | None], opset: int) -> Doubles:
    with np.errstate(all="ignore"):
        return run_node(node, values, opset)[0].astype(np.float64)


def _held(node: onnx.NodeProto, numbers: Sequence[Number | None], result: Number, opset: int) -> Number:
    """Mark results as exact that a limit determines however the input is rounded: they are the limit."""
    inexact = [index for index, item in enumerate(numbers) if item is not None and not np.all(item.exact)]
    if len(inexact) != 1:
        return result
    held = representable(result.value)
    for sign in (-1, 1):
        moved = [None if item is None else item.value for item in numbers]
        x = numbers[inexact[0]]
        assert x is not None
        moved[inexact[0]] = x.value + sign * x.bound
        held = held & (_run(node, moved, opset) == result.value)
    size = np.where(held & ~result.exact, np.abs(result.value), result.size)
    return Number(result.value, size, compact(result.exact | held))


def _aligned(operands: Sequence[Operand]) -> list[Number | None]:
    """Operands with as many axes as the largest, after the images' axis; constants have one image for all."""
    rank = max(len(item.shape) if isinstance(item, Number) else item.ndim for item in operands if item is not None)
    numbers: list[Number | None] = []
    for operand in operands:
        if operand is None:
            numbers.append(None)
            continue
        number = operand if isinstance(operand, Number) else Number.of(operand[None])
        missing = [1] * (rank - len(number.shape))

        def widened(array: Array, missing: list[int] = missing) -> Array:
            return array if array.ndim == 0 else array.reshape(len(array), *missing, *array.shape[1:])

        numbers.append(Number(widened(number.value), widened(number.size), widened(number.exact)))
    return numbers


def _function_of(node: onnx.NodeProto, x: Number, values: Sequence[Array | None], opset: int) -> Number:
    """A function of one number, with an error of 4 units in the last place and that of its input propagated."""
    value = _run(node, values, opset)
    size = _TABULATED * np.abs(value)
    if node.op_type in _CANCELLED:
        # Far below zero, the libraries subtract two float64 numbers near 1.
        size = size + np.abs(x.value) * 2.0**-50 / ROUNDING
    if not np.all(x.exact):
        bound = x.bound
        moved = [_run(node, [x.value + sign * bound, *values[1:]], opset) for sign in (-1, 1)]
        size = size + np.maximum(np.abs(moved[0] - value), np.abs(moved[1] - value)) / ROUNDING
    return Number(value, size, np.array(False))


def _of_integers(node: onnx.NodeProto, present: list[Number], values: Sequence[Array | None], opset: int) -> Number:
    """Integers and booleans, in the file's own types: nothing is rounded, and decisions on a tie stay open."""
    kinds = {number.value.dtype for number in present}
    if len(kinds) > 1:
        raise Unknown(f"it joins {' and '.join(sorted(map(str, kinds)))}")
    value = run_node(node, values, opset)[0]
    number = Number.of(value)
    if all(np.all(item.exact) for item in present):
        return number
    if value.dtype.kind != "b":
        raise Unknown("it depends on a decision that rounding may take otherwise")
    exact = np.array(True)
    for item in present:
        exact = exact & item.exact
    return Number(value, np.where(exact, number.size, 1 / ROUNDING), exact)


def _cast(node: onnx.NodeProto, x: Number) -> Number:
    kind = onnx.helper.tensor_dtype_to_np_dtype(attribute(node, "to", onnx.TensorProto.FLOAT))
    if kind in (np.float32, np.float64):
        value = x.value.astype(np.float64)
        return Number(value, x.size, compact(x.exact & representable(value)))
    if kind.kind not in "iub":
        raise Unknown(f"it converts to {kind}")
    if x.value.dtype.kind != "f":
        return Number(x.value.astype(kind), x.size, x.exact)
    if not np.all(x.exact):
        raise Unknown("rounding may change its integer result")
    return Number.of(x.value.astype(kind))


def _sum(node: onnx.NodeProto, values: list[Array], sizes: list[Doubles]) -> Doubles:
    return np.asarray(sum(sizes[1:], sizes[0]))


def _largest(node: onnx.NodeProto, values: list[Array], sizes: list[Doubles]) -> Doubles:
    result = sizes[0]
    for size in sizes[1:]:
        result = np.maximum(result, size)
    return result


def _quotient(node: onnx.NodeProto, values: list[Array], sizes: list[Doubles]) -> Doubles:
    with np.errstate(all="ignore"):
        return np.asarray(sizes[0] / np.abs(values[1]) * (sizes[1] / np.abs(values[1])))


_CLAMPS = ("Clip", "HardSigmoid", "Max", "Min", "Relu")
"""Operators that limit their input."""
_CANCELLED = ("Gelu", "Mish", "Softplus")
"""Functions that the libraries compute with cancellation far below zero."""
_first: _Size = lambda node, values, sizes: sizes[0]  # noqa: E731
_function: _Size = lambda node, values, sizes: sizes[0]  # noqa: E731
OPERATORS: dict[str, _Size] = {
    "Abs": _first,
    "Add": _sum,
    "And": _first,
    "Cast": _first,
    "Clip": _first,
    "Div": _quotient,
    "Equal": _first,
    "HardSigmoid": lambda node, values, sizes: sizes[0] * abs(attribute(node, "alpha", 0.2)) + 1,
    "LeakyRelu": lambda node, values, sizes: sizes[0] * max(1.0, abs(attribute(node, "alpha", 0.01))),
    "Max": _largest,
    "Mean": _sum,
    "Min": _largest,
    "Mod": _first,
    "Mul": lambda node, values, sizes: sizes[0] * sizes[1],
    "Neg": _first,
    "Not": _first,
    "Or": _first,
    "PRelu": lambda node, values, sizes: sizes[0] * np.maximum(sizes[1], 1),
    "Relu": _first,
    "Sub": _sum,
    "Sum": _sum,
    "Where": lambda node, values, sizes: np.maximum(sizes[1], sizes[2]) + 0 * sizes[0],
    "Xor": _first,
    **dict.fromkeys(
        (
            "Acos",
            "Acosh",
            "Asin",
            "Asinh",
            "Atan",
            "Atanh",
            "Celu",
            "Cos",
            "Cosh",
            "Elu",
            "Erf",
            "Exp",
            "Gelu",
            "HardSwish",
            "Log",
            "Mish",
            "Pow",
            "Reciprocal",
            "Selu",
            "Shrink",
            "Sigmoid",
            "Sin",
            "Sinh",
            "Softplus",
            "Softsign",
            "Sqrt",
            "Swish",
            "Tan",
            "Tanh",
            "ThresholdedRelu",
        ),
        _function,
    ),
}
"""Elementwise operators, and the size of their output's terms; `_function` marks functions of one number."""
