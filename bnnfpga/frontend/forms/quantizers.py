"""The meaning of each quantizer, in integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.qonnx_operators import ROUNDING_MODES
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.multithreshold import output_grid, output_of, thresholds_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    EMBEDDING,
    attribute,
    data_operands,
    describe,
    required_constant,
)
from bnnfpga.numbers.arithmetic import Floats, Step

_MAX_BITS, _MAX_INPUT_BITS = 8, 16
_MAX_ZERO_POINT = 1 << 16


@dataclass(frozen=True, eq=False)
class Quantizer:
    """The mapping from values to integer codes, and from codes back to values.

    Parameters
    ----------
    steps
        The float32 operations that compute the code.
    lo, hi
        The range of the codes, inclusive.
    scale
        The value of a code is code * scale: of shape (), or an array that broadcasts against the tensor.
    bipolar
        Whether the codes are -1 and +1 only.
    """

    steps: tuple[Step, ...]
    lo: int
    hi: int
    scale: Floats
    bipolar: bool = False


def quantizer_of(model: Model, node: Node, most_bits: int | None = None) -> Quantizer:
    """Read a quantizer of a clean graph with at most `most_bits`; by default 8, or 16 on the model's input.

    Raises
    ------
    UserError
        If a parameter is not constant or not supported.
    """
    return _MEANINGS[node.op_type](model, node, most_bits)


def _sign(model: Model, node: Node, most_bits: int | None) -> Quantizer:
    return Quantizer((Step("sign_or_zero"),), -1, 1, _float32(1))


def _embedding(model: Model, node: Node, most_bits: int | None) -> Quantizer:
    table = required_constant(model, node, 1, "table").astype(np.float32)
    bipolar = bool(np.all(np.abs(table) == 1))
    return Quantizer((Step("entry", table),), int(table.min()), int(table.max()), _float32(1), bipolar)


def _bipolar_quant(model: Model, node: Node, most_bits: int | None) -> Quantizer:
    """For weights, the scale may be zero: that of a pruned filter is."""
    scale = _scale(model, node, may_be_zero=model.constant(node.input[0]) is not None)
    return Quantizer((Step("sign"),), -1, 1, scale, bipolar=True)


def _scale(model: Model, node: Node, *, may_be_zero: bool = False) -> Floats:
    """The scale, which must be positive; shape () if all numbers are equal."""
    scale = required_constant(model, node, 1, "scale").astype(np.float32)
    wrong = ~np.isfinite(scale) | (scale < 0 if may_be_zero else scale <= 0)
    if not np.any(wrong):
        return _float32(scale.flat[0]) if np.all(scale == scale.flat[0]) else scale
    first = int(np.argmax(wrong))
    which = f" (number {first} of {scale.size}: {scale.flat[first]:g})" if scale.size > 1 else f": {scale.flat[0]:g}"
    raise UserError(f"its scale is not a positive number{which}", where=describe(node), hint="train or export it again")


def _is_on_input(model: Model, node: Node) -> bool:
    """Whether each code depends on a single element of the model's input."""
    tensor = node.input[0]
    while tensor != model.input:
        above = model.producer(tensor)
        if above is None or not (traits_of(above).elementwise or traits_of(above).layout):
            return False
        operands = data_operands(model, above)
        if len(operands) != 1:
            return False
        tensor = operands[0]
    return True


def _quant(model: Model, node: Node, most_bits: int | None) -> Quantizer:
    """The code round(clip(x / scale + zero point)) - zero point, which dot products use.

    Source: Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural Networks" (2022), section on
    operators; qonnx's reference implementation clips before it rounds, and has one signed bit mean -1 and +1.
    """
    scale = _scale(model, node)
    zero, width = _zero_point(model, node), _bit_width(model, node, most_bits)
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
    if signed and width == 1:
        if np.any(zero):
            raise UserError(
                "it is signed, of one bit, with a zero point, which has no useful meaning in QONNX",
                where=describe(node),
                hint="use a BipolarQuant, or a zero point of 0",
            )
        return Quantizer((Step("sign"),), -1, 1, scale, bipolar=True)
    lo = -(1 << (width - 1)) + narrow if signed else 0
    hi = (1 << (width - 1)) - 1 if signed else (1 << width) - 1 - narrow
    steps = [Step("divide", scale)]
    if np.any(zero):
        steps.append(Step("add", zero))
    steps += [Step("maximum", _float32(lo)), Step("minimum", _float32(hi)), Step(_rounding(node))]
    if np.any(zero):
        steps.append(Step("subtract", zero))
    return Quantizer(tuple(steps), lo - int(zero.max()), hi - int(zero.min()), scale)


def _zero_point(model: Model, node: Node) -> Floats:
    """One integer, or one per channel."""
    values = required_constant(model, node, 2, "zero point").astype(np.float32)
    wrong = values[(values % 1 != 0) | ~np.isfinite(values)]
    if wrong.size:
        raise UserError(
            f"its zero point is {wrong[0]:g}, which is not an integer",
            where=describe(node),
            hint="round it when you export the model",
        )
    if np.abs(values).max() > _MAX_ZERO_POINT:
        raise UserError(
            f"its zero point is {values.flat[np.abs(values).argmax()]:g}; at most {_MAX_ZERO_POINT} can be compiled",
            where=describe(node),
            hint="quantise symmetrically",
        )
    # Some exporters write one per channel even if all are equal; bit widths likewise.
    return _float32(values.flat[0]) if np.all(values == values.flat[0]) else values


def _bit_width(model: Model, node: Node, most_bits: int | None) -> int:
    values = np.unique(required_constant(model, node, 3, "bit width"))
    if most_bits is None:
        wide = values.size == 1 and values.item() > _MAX_BITS
        most_bits = _MAX_INPUT_BITS if wide and _is_on_input(model, node) else _MAX_BITS
    if values.size != 1 or not 1 <= float(values.item()) <= most_bits or float(values.item()) % 1:
        widths = ", ".join(f"{value:g}" for value in values)
        raise UserError(
            f"its bit width is {widths}; 1 to {most_bits} bits can be compiled",
            where=describe(node),
            hint="train with a bit width in that range",
        )
    return int(values.item())


def _rounding(node: Node) -> str:
    """The operation for its rounding mode."""
    mode = str(attribute(node, "rounding_mode", "ROUND")).upper()
    if mode not in ROUNDING_MODES:
        raise UserError(
            f"rounding mode {mode!r} is not supported",
            where=describe(node),
            hint=f"use {', '.join(ROUNDING_MODES)}",
        )
    return ROUNDING_MODES[mode]


def _multi_threshold(model: Model, node: Node, most_bits: int | None) -> Quantizer:
    """The code factor * (number of thresholds reached) + offset."""
    thresholds = thresholds_of(model, node)
    scale, bias = output_of(node)
    grid = output_grid(scale, bias)
    if grid is None:
        raise UserError(
            f"its values are {scale:g} * count + {bias:g}, which is not an integer grid",
            where=describe(node),
            hint="the bias must be a multiple of half the scale",
        )
    steps = [Step("count", thresholds)]
    if grid.factor != 1:
        steps.append(Step("multiply", _float32(grid.factor)))
    if grid.offset:
        steps.append(Step("add", _float32(grid.offset)))
    ends = (grid.offset, grid.factor * thresholds.shape[-1] + grid.offset)
    bipolar = set(ends) == {-1, 1} and thresholds.shape[-1] == 1
    return Quantizer(tuple(steps), min(ends), max(ends), _float32(grid.unit), bipolar)


def _float32(value: Any) -> Floats:
    return np.asarray(value, dtype=np.float32)


_MEANINGS: dict[str, Callable[[Model, Node, int | None], Quantizer]] = {
    "BipolarQuant": _bipolar_quant,
    EMBEDDING: _embedding,
    "MultiThreshold": _multi_threshold,
    "Quant": _quant,
    "Sign": _sign,
}
"""By operator; all whose traits include `quantizes`."""
