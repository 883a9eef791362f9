"""What each quantizer means, in integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import attribute, describe, required_constant

ROUNDING_MODES = ("ROUND", "FLOOR", "CEIL")
_MOST_BITS = 8
_LARGEST_ZERO_POINT = 1 << 16


@dataclass(frozen=True, eq=False)
class Quantizer:
    """A quantizer's parameters, all constant.

    A value x becomes the code c = round(clip(x / scale + zero_point, lo, hi)), and stands for (c - zero_point) * scale;
    in the bipolar case c is +1 for x >= 0 (also for -0.0) and -1 else, and stands for c * scale. The *centred* code
    c - zero_point is what dot products run on.

    Source: QONNX, Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural Networks" (2022),
    section on operators; qonnx' reference implementation clips before it rounds.
    """

    bipolar: bool
    lo: int
    hi: int
    scale: NDArray[np.float32]
    zero_point: int
    rounding: str

    @property
    def centred_lo(self) -> int:
        return self.lo - self.zero_point

    @property
    def centred_hi(self) -> int:
        return self.hi - self.zero_point


def quantizer_of(model: ModelWrapper, node: onnx.NodeProto) -> Quantizer:
    """Read a Quant or BipolarQuant node.

    Raises
    ------
    UserError
        If a parameter is not constant or out of what can be compiled.
    """
    scale = required_constant(model, node, 1, "scale").astype(np.float32)
    if not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        raise UserError("its scale is not a positive number", where=describe(node), hint="train or export it again")
    if node.op_type == "BipolarQuant":
        return Quantizer(True, -1, 1, scale, 0, "")
    zero_point = required_constant(model, node, 2, "zero point")
    bits = required_constant(model, node, 3, "bit width")
    if zero_point.size != 1 or float(zero_point.item()) != round(float(zero_point.item())):
        raise UserError("its zero point is not one integer", where=describe(node))
    if abs(zero_point.item()) > _LARGEST_ZERO_POINT:
        raise UserError(
            f"its zero point is {zero_point.item():g}; up to {_LARGEST_ZERO_POINT} can be compiled",
            where=describe(node),
        )
    if bits.size != 1 or not 1 <= float(bits.item()) <= _MOST_BITS or float(bits.item()) % 1:
        raise UserError(
            f"its bit width is {bits.tolist()}; 1 to {_MOST_BITS} bits can be compiled", where=describe(node)
        )
    signed = bool(attribute(node, "signed", 1))
    narrow = bool(attribute(node, "narrow", 0))
    rounding = str(attribute(node, "rounding_mode", "ROUND")).upper()
    if rounding not in ROUNDING_MODES:
        raise UserError(
            f"rounding mode {rounding!r} is not supported",
            where=describe(node),
            hint=f"use {', '.join(ROUNDING_MODES)}",
        )
    width = int(bits.item())
    if signed and width == 1:
        if zero_point.item() != 0:
            raise UserError(
                "it has one bit, a sign and a zero point, which QONNX gives no useful meaning",
                where=describe(node),
                hint="use a BipolarQuant, or a zero point of 0",
            )
        return Quantizer(True, -1, 1, scale, 0, "")
    lo = -(1 << (width - 1)) + narrow if signed else 0
    hi = (1 << (width - 1)) - 1 if signed else (1 << width) - 1 - narrow
    return Quantizer(False, lo, hi, scale, int(zero_point.item()), rounding)
