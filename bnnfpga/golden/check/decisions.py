"""Operators that decide between numbers on a grid: QONNX's quantizers, and standard operators that round.

Source of the quantizers' meaning: Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural
Networks" (2022), and the executions in the package qonnx 1.0.0, in this module's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from bnnfpga.golden.check.decision import Decision, Function, uniform
from bnnfpga.golden.check.libraries import Unknown, attribute, is_standard
from bnnfpga.golden.check.number import Array, Doubles, representable

DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "qonnx")
"""The domains of QONNX's operators; old exporters also put them in ONNX's own domain."""


def decision_of(
    node: onnx.NodeProto, parameters: Sequence[Array | None], rank: int, kind: type[np.floating] = np.float64
) -> Decision | None:
    """A node's decision about its first input, which has `rank` axes in the file; None for nodes that do not decide.

    Parameters are converted to floats of the `kind` in which the decision is computed.

    Raises
    ------
    Unknown
        If the node's parameters, its other inputs, are not constant or have no meaning.
    """
    custom = is_quantizer(node)
    if not (custom or (is_standard(node) and node.op_type in _STANDARD)):
        return None
    if node.op_type == "QuantizeLinear":
        return _quantize_linear(node, parameters, rank)
    numbers = []
    for parameter in parameters:
        if parameter is None:
            raise Unknown("its parameters are not constant")
        # A single element may have more axes than the tensor, which have no meaning.
        parameter = parameter.reshape(()) if parameter.size == 1 and parameter.ndim > rank else parameter
        numbers.append(parameter.astype(kind))
    return _KINDS[node.op_type](node, numbers, rank)


def is_quantizer(node: onnx.NodeProto) -> bool:
    """Whether a node is one of QONNX's quantizers."""
    return node.op_type in _KINDS and node.op_type not in _STANDARD and (is_standard(node) or node.domain in DOMAINS)


def _bipolar(node: onnx.NodeProto, parameters: list[Doubles], rank: int) -> Decision:
    scale = _operand(parameters, 0)
    return uniform(lambda x: np.float64(1) * (x >= 0), 1, lambda index: np.zeros_like(index), -scale, 2 * scale)


def _sign(node: onnx.NodeProto, parameters: list[Doubles], rank: int) -> Decision:
    return uniform(lambda x: np.sign(x) + 1, 2, lambda index: np.zeros_like(index), -1, 1)


def _up(x: Array) -> Doubles:
    return np.asarray(np.sign(x) * np.ceil(np.abs(x)))


def _half_up(x: Array) -> Doubles:
    return np.asarray(np.sign(x) * np.floor(np.abs(x) + 0.5))


def _half_down(x: Array) -> Doubles:
    return np.asarray(np.sign(x) * np.ceil(np.abs(x) - 0.5))


_ROUNDINGS: dict[str, Function] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "UP": _up,
    "HALF_UP": _half_up,
    "HALF_DOWN": _half_down,
}


def _rounding(node: onnx.NodeProto, default: str) -> Function:
    name = str(attribute(node, "rounding_mode", default)).upper()
    if name not in _ROUNDINGS:
        raise Unknown(f"there is no rounding mode {name!r}")
    return _ROUNDINGS[name]


def _leaves(rounding: Function, integer: Doubles) -> Doubles:
    """The point after an integer from which numbers round to the next one: itself, halfway, or the next."""
    directly, halfway = rounding(integer + 0.25) > integer, rounding(integer + 0.75) > integer
    return integer + np.where(directly, 0.0, np.where(halfway, 0.5, 1.0))


def _range(node: onnx.NodeProto, bits: Doubles) -> tuple[Doubles, Doubles]:
    signed, narrow = attribute(node, "signed", 1), attribute(node, "narrow", 0)
    if signed:
        return -(2.0 ** (bits - 1)) + bool(narrow), 2.0 ** (bits - 1) - 1
    return 0.0 * bits, 2.0**bits - 1 - bool(narrow)


def _quant(node: onnx.NodeProto, parameters: list[Doubles], rank: int) -> Decision:
    scale, zero_point, bits = (_operand(parameters, index) for index in range(3))
    if np.any(scale <= 0):
        raise Unknown("its scale is not positive")
    if attribute(node, "signed", 1) and np.all(bits == 1):
        at = -zero_point * scale
        return Decision(
            lambda x: np.float64(1) * (x / scale + zero_point >= 0),
            lambda index: np.where(index <= 0, -np.inf, np.where(index > 1, np.inf, at)),
            (-1 - zero_point) * scale,
            2 * scale,
            np.abs(at),
            two=True,
        )
    # With many bits, indices and outputs exceed single precision, even if the codes are computed in it.
    lowest, highest = _range(node, bits.astype(np.float64))
    rounding = _rounding(node, "ROUND")

    def rise(index: Doubles) -> Doubles:
        position = np.clip(index - 1, 0, highest - lowest - 1) + lowest
        points = (_leaves(rounding, position) - zero_point) * scale
        return np.where(index <= 0, -np.inf, np.where(index > highest - lowest, np.inf, points))

    return Decision(
        lambda x: rounding(np.clip(x / scale + zero_point, lowest, highest)) - lowest,
        rise,
        (lowest - zero_point) * scale,
        scale,
        np.abs(zero_point) * scale,
        lambda x: representable(x / scale) & representable(x / scale + zero_point),
    )


def _trunc(node: onnx.NodeProto, parameters: list[Doubles], rank: int) -> Decision:
    """The input's integers, divided, clipped (version 2, with six inputs) and rounded."""
    scale, zero_point = _operand(parameters, 0), _operand(parameters, 1)
    bits = _operand(parameters, len(parameters) - 1)
    if len(parameters) == 5:
        output_scale = parameters[3]
        divisor = 2.0 ** np.round(np.log2(output_scale / scale))
        lowest, highest = _range(node, bits)
        removed = zero_point / divisor
    else:
        output_scale, divisor, removed = scale, 2.0 ** (_operand(parameters, 2) - bits), zero_point
        # Nothing is clipped, but numbers of the input's bits stay within this range.
        lowest, highest = -(2.0**bits), 2.0**bits
    rounding = _rounding(node, "FLOOR")

    def code(x: Array) -> Doubles:
        integer = np.rint(x / scale + zero_point)
        return np.asarray(rounding(np.clip(integer / divisor, lowest, highest)) - lowest)

    def rise(index: Doubles) -> Doubles:
        quotient = np.clip(index - 1, 0, highest - lowest - 1) + lowest
        leaves = _leaves(rounding, quotient) * divisor
        # The first integer that is rounded up; on a tie, the rounding itself decides.
        integer = np.ceil(leaves)
        integer = np.where(rounding(integer / divisor) > quotient, integer, integer + 1)
        return np.where(
            index <= 0,
            -np.inf,
            np.where(index > highest - lowest, np.inf, (integer - 0.5 - zero_point) * scale),
        )

    return Decision(
        code,
        rise,
        (lowest - removed) * output_scale,
        output_scale,
        np.abs(zero_point) * scale,
        lambda x: representable(x / scale) & representable(x / scale + zero_point),
    )


def _multi_threshold(node: onnx.NodeProto, parameters: list[Doubles], rank: int) -> Decision:
    """The number of its channel's thresholds that a number reaches."""
    unsorted = _operand(parameters, 0)
    if unsorted.ndim != 2:
        raise Unknown(f"its thresholds have shape {unsorted.shape}")
    thresholds = np.sort(unsorted, axis=1)
    layout = str(attribute(node, "data_layout", "")) or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "NC")
    # Counted with the images' axis in front.
    axis = 1 + (layout.index("C") if "C" in layout else 1)
    levels = thresholds.shape[1]
    padded = np.pad(thresholds, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))

    def by_channel(function: Callable[[Doubles, Doubles], Array], x: Array) -> Doubles:
        if len(thresholds) == 1:
            return np.asarray(function(padded[0], x), dtype=np.float64)
        if axis >= x.ndim or x.shape[axis] != len(thresholds):
            raise Unknown(f"its {len(thresholds)} channels do not fit a tensor of shape {x.shape[1:]}")
        moved = np.moveaxis(x, axis, 0)
        results = np.stack([function(row, plane) for row, plane in zip(padded, moved, strict=True)])
        return np.moveaxis(results.astype(np.float64), 0, axis)

    return Decision(
        lambda x: by_channel(lambda row, plane: np.searchsorted(row[1:-1], plane, side="right"), x),
        lambda index: by_channel(lambda row, at: row[np.clip(at, 0, levels + 1).astype(np.int64)], index),
        np.asarray(attribute(node, "out_bias", 0.0), dtype=np.float64),
        np.asarray(attribute(node, "out_scale", 1.0), dtype=np.float64),
        np.zeros(()),
    )


def _integers(rounding: Function) -> Callable[[onnx.NodeProto, list[Doubles], int], Decision]:
    def decision(node: onnx.NodeProto, parameters: list[Doubles], rank: int) -> Decision:
        one = np.ones(())
        return Decision(rounding, lambda index: _leaves(rounding, index - 1), np.zeros(()), one, np.zeros(()))

    return decision


def _quantize_linear(node: onnx.NodeProto, parameters: Sequence[Array | None], rank: int) -> Decision:
    """QuantizeLinear: x / scale rounded half to even, plus the zero point, clipped to the zero point's type."""
    factor, zero = (*parameters, None, None)[:2]
    if factor is None:
        raise Unknown("its scale is not constant")
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    if kind.kind not in "iu" or np.any(factor <= 0):
        raise Unknown(f"it quantises to {kind} with a scale of {factor.ravel()[0]}")
    scale = along_axis(node, factor, rank)
    zero_point = np.zeros(()) if zero is None else along_axis(node, zero, rank)
    lowest, highest = float(np.iinfo(kind).min), float(np.iinfo(kind).max)

    def rise(index: Doubles) -> Doubles:
        points = (index - 0.5 + lowest - zero_point) * scale
        return np.where(index <= 0, -np.inf, np.where(index > highest - lowest, np.inf, points))

    return Decision(
        lambda x: np.clip(np.rint(x / scale) + zero_point, lowest, highest) - lowest,
        rise,
        np.asarray(lowest),
        np.ones(()),
        np.zeros(()),
        lambda x: representable(x / scale),
    )


def along_axis(node: onnx.NodeProto, parameter: Array, rank: int) -> Doubles:
    """A parameter of QuantizeLinear or DequantizeLinear, reshaped to broadcast to a tensor with `rank` axes."""
    if parameter.size == 1:
        return parameter.astype(np.float64).reshape(())
    axis = attribute(node, "axis", 1)
    if parameter.ndim != 1 or not -rank <= axis < rank:
        raise Unknown(f"its parameters have shape {parameter.shape}")
    return parameter.astype(np.float64).reshape(-1, *[1] * (rank - 1 - axis % rank))


def _operand(parameters: list[Doubles], index: int) -> Doubles:
    if index >= len(parameters):
        raise Unknown(f"it has {len(parameters) + 1} inputs")
    return parameters[index]


_STANDARD = ("Sign", "Round", "Floor", "Ceil", "QuantizeLinear")
_KINDS: dict[str, Callable[[onnx.NodeProto, list[Doubles], int], Decision]] = {
    "Quant": _quant,
    "IntQuant": _quant,
    "BipolarQuant": _bipolar,
    "BinaryQuant": _bipolar,
    "MultiThreshold": _multi_threshold,
    "Trunc": _trunc,
    "Sign": _sign,
    "Round": _integers(np.rint),
    "Floor": _integers(np.floor),
    "Ceil": _integers(np.ceil),
}
