"""Operators that decide between finitely many numbers, as textbooks have them: for the float check.

Independent of how the frontend reads quantizers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.frontend.nodes import attribute
from bnnfpga.golden.textbook import Doubles, Number

_UNIT = 2.0**-23
_Rounding = Callable[[NDArray[Any]], NDArray[Any]]
_ROUNDINGS: dict[str, _Rounding] = {
    "ROUND": np.round,
    "HALF_EVEN": np.round,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}


@dataclass(frozen=True)
class Decision:
    """A node with one of the outputs first, first + step, first + 2 * step, ... for each element.

    Parameters
    ----------
    index
        Which one, from the node's input in float64 or float32.
    points
        Where the index rises by one, ascending: float64 (levels,) or (..., levels), the rest broadcast to the input.
    first, step
        float64, broadcast to the input.
    rounding
        By how much float32 arithmetic inside the node may shift a point.
    """

    index: Callable[[NDArray[Any]], NDArray[np.int64]]
    points: Doubles
    first: Doubles
    step: Doubles
    rounding: Doubles

    def distance(self, x: Doubles, one: NDArray[np.int64], other: NDArray[np.int64]) -> Doubles:
        """From each `x` to the farthest of the points that lie between two indices; 0 where there is none."""
        points = np.broadcast_to(self.points, (*x.shape, self.points.shape[-1]))
        ends = (np.minimum(one, other), np.maximum(one, other) - 1)
        farthest = np.zeros(x.shape)
        for end in ends:
            chosen = np.take_along_axis(points, np.clip(end, 0, points.shape[-1] - 1)[..., None], axis=-1)[..., 0]
            farthest = np.maximum(farthest, np.abs(x - chosen))
        return np.where(one == other, 0.0, farthest)


def decision_of(node: onnx.NodeProto, inputs: list[Number], data: int) -> Decision | None:
    """What a node decides about its input number `data`, None for others."""
    if node.op_type in _COMPARISONS:
        return _comparison(node, inputs, data)
    return _KINDS[node.op_type](node, inputs) if node.op_type in _KINDS else None


def _simple(index: Callable[[NDArray[Any]], NDArray[Any]], points: Any, first: Any, step: Any) -> Decision:
    return Decision(
        lambda x: index(x).astype(np.int64),
        np.array(points, dtype=np.float64),
        np.asarray(first, dtype=np.float64),
        np.asarray(step, dtype=np.float64),
        np.zeros(()),
    )


def _bipolar(node: onnx.NodeProto, inputs: list[Number]) -> Decision:
    scale = inputs[1].double
    return _simple(lambda x: x >= 0, [0], -scale, 2 * scale)


def _sign(node: onnx.NodeProto, inputs: list[Number]) -> Decision:
    return _simple(lambda x: np.sign(x) + 1, [0, 0], -1, 1)


_COMPARISONS = {
    "Greater": np.greater,
    "Less": np.less,
    "GreaterOrEqual": np.greater_equal,
    "LessOrEqual": np.less_equal,
}


def _comparison(node: onnx.NodeProto, inputs: list[Number], data: int) -> Decision:
    """Data on either side of a number; the index rises with the data, whichever truth that is."""
    bound = inputs[1 - data].double
    compare = _COMPARISONS[node.op_type]
    rises = (node.op_type in ("Greater", "GreaterOrEqual")) == (data == 0)

    def index(x: NDArray[Any]) -> NDArray[Any]:
        sides = (x, bound.astype(x.dtype))
        return np.asarray(compare(*sides[:: 1 if data == 0 else -1]) == rises)

    return _simple(index, bound[..., None], 0 if rises else 1, 1 if rises else -1)


def _quant(node: onnx.NodeProto, inputs: list[Number]) -> Decision:
    scale, zero_point, bits = inputs[1].double, inputs[2].double, int(inputs[3].double.item())
    signed, narrow = attribute(node, "signed", 1), attribute(node, "narrow", 0)
    if signed and bits == 1:
        return _bipolar(node, inputs)
    lowest = -(2 ** (bits - 1)) + narrow if signed else 0
    highest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    rounding = _ROUNDINGS[str(attribute(node, "rounding_mode", "ROUND")).upper()]

    def index(x: NDArray[Any]) -> NDArray[np.int64]:
        position = x / scale.astype(x.dtype) + zero_point.astype(x.dtype)
        return (rounding(np.clip(position, lowest, highest)) - lowest).astype(np.int64)

    steps = _rounding_points(rounding, lowest, highest)
    return Decision(
        index,
        (steps - zero_point) * scale[..., None],
        (lowest - zero_point) * scale,
        scale,
        # The division by the scale and the zero point's addition round too.
        _UNIT * scale * (highest - lowest + 2 * np.abs(zero_point)),
    )


def _rounding_points(rounding: _Rounding, lowest: int, highest: int) -> Doubles:
    """Where each integer from `lowest` on rounds to the next one: at it, halfway, or at the next."""
    integers = np.arange(lowest, highest, dtype=np.float64)
    at_once, halfway = rounding(integers + 0.25) > integers, rounding(integers + 0.75) > integers
    return integers + np.where(at_once, 0.0, np.where(halfway, 0.5, 1.0))


def _multi_threshold(node: onnx.NodeProto, inputs: list[Number]) -> Decision:
    dimensions = inputs[0].double.ndim
    layout = attribute(node, "data_layout", "") or {3: "NWC"}.get(dimensions, "NC")
    behind = dimensions - 1 - (layout.index("C") if "C" in layout else 1)
    thresholds = np.sort(inputs[1].double, axis=1)
    thresholds = thresholds.reshape(len(thresholds), *[1] * behind, -1) if len(thresholds) > 1 else thresholds[0]

    def index(x: NDArray[Any]) -> NDArray[np.int64]:
        count = np.zeros(x.shape, dtype=np.int64)
        for level in range(thresholds.shape[-1]):
            count += x >= thresholds[..., level].astype(x.dtype)
        return count

    scale, bias = (np.asarray(attribute(node, name, value)) for name, value in (("out_scale", 1.0), ("out_bias", 0.0)))
    return Decision(index, thresholds, bias, scale, np.zeros(()))


def _trunc(node: onnx.NodeProto, inputs: list[Number]) -> Decision:
    """QONNX, Trunc: integers of the input, divided, clipped (version 2) and rounded."""
    scale, zero_point, input_bits = (float(item.double.item()) for item in inputs[1:4])
    bits = int(inputs[-1].double.item())
    if len(inputs) == 6:
        output_scale = float(inputs[4].double.item())
        divisor = 2.0 ** np.round(np.log2(output_scale / scale))
        signed, narrow = attribute(node, "signed", 1), attribute(node, "narrow", 0)
        lowest = -(2 ** (bits - 1)) + narrow if signed else 0
        highest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    else:
        output_scale, divisor = scale, 2.0 ** (input_bits - bits)
        # Nothing is clipped, but no number of the input's bits gives more.
        lowest, highest = -(2**bits), 2**bits
    rounding = _ROUNDINGS[str(attribute(node, "rounding_mode", "FLOOR")).upper()]

    def code(integer: NDArray[Any]) -> NDArray[np.int64]:
        return rounding(np.clip(integer / divisor, lowest, highest)).astype(np.int64) - lowest

    integers = np.arange(lowest * divisor - divisor, highest * divisor + divisor + 1)
    first_of = np.searchsorted(code(integers), np.arange(1, highest - lowest + 1))
    points = (integers[first_of] - 0.5 - zero_point) * scale
    removed = zero_point / divisor if len(inputs) == 6 else zero_point
    return Decision(
        lambda x: code(np.round(x / x.dtype.type(scale) + x.dtype.type(zero_point))),
        points,
        np.asarray((lowest - removed) * output_scale),
        np.asarray(output_scale),
        np.asarray(_UNIT * np.abs(points).max()),
    )


_KINDS: dict[str, Callable[[onnx.NodeProto, list[Number]], Decision]] = {
    "Quant": _quant,
    "IntQuant": _quant,
    "BipolarQuant": _bipolar,
    "BinaryQuant": _bipolar,
    "Sign": _sign,
    "MultiThreshold": _multi_threshold,
    "Trunc": _trunc,
}
