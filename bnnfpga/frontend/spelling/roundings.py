"""Quantizers written as a rounding of clipped numbers, such as Round(Clip(x) * n) / n."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    QONNX_DOMAIN,
    comes_from_constants,
    data_operands,
    origin_of,
    scalar_operand,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.frontend.spelling.limits import ARITHMETIC, limits_of

_ROUNDINGS = {"Round": "ROUND", "Floor": "FLOOR", "Ceil": "CEIL"}
_AGAINST: dict[str, np.ufunc] = {"Add": np.subtract, "Sub": np.add, "Mul": np.divide, "Div": np.multiply}
_MAX_LEVELS = 1 << 16


class RoundingsToQuantizers(Transform):
    """A rounding of bounded numbers that nodes on integers read becomes a Quant of scale 1.

    The bounds come from nodes in front of it or, as integers, after it. If only another quantizer reads it, it stays a
    float operation.
    """

    kinds = tuple(_ROUNDINGS)

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]) or not _reaches_integers(model, node):
            return False
        lo, hi = _limits(model, node)
        holders = _holders_behind(model, node)
        for _, (least, most) in holders:
            lo, hi = (min(max(end, least), most) for end in (lo, hi))
        if not (hi - lo < _MAX_LEVELS and max(abs(lo), abs(hi)) < _MAX_LEVELS and lo < hi):
            return False
        if holders:
            _hold_in_front(model, node, [holder for holder, _ in holders], lo, hi)
        model.replace(node, _quant(model, node, int(lo), int(hi)))
        return True


class StraightThrough(Transform):
    """x + (q - x), left by a straight-through estimator, becomes q if q is quantised.

    Both are equal except for the rounding of two sums.
    """

    kinds = kinds_that(lambda traits: traits.adds)

    def visit(self, model: Model, node: Node) -> bool:
        for x, rest in (node.input, node.input[::-1]):
            difference = model.producer(rest)
            if difference is None or not traits_of(difference).subtracts or difference.input[1] != x:
                continue
            quantised = difference.input[0]
            if not _is_quantised(model, quantised) or node.output[0] in model.outputs:
                continue
            model.replace_input(node.output[0], quantised)
            model.remove(node)
            model.remove_unread(difference)
            return True
        return False


def _is_quantised(model: Model, tensor: str) -> bool:
    """Whether a tensor comes from a rounding or a quantizer by arithmetic with constants and clipping only."""
    while (node := model.producer(tensor)) is not None:
        traits = traits_of(node)
        if traits.quantizes or node.op_type in _ROUNDINGS:
            return True
        if not traits.arithmetic and node.op_type not in _HOLDERS:
            return False
        operands = data_operands(model, node)
        if len(operands) != 1:
            return False
        tensor = operands[0]
    return False


def _quant(model: Model, node: Node, lo: int, hi: int) -> Node:
    """A quantizer that rounds like `node` and covers all integers from `lo` to `hi`, and possibly more."""
    signed = lo < 0
    bits = max(2, 1 + max((-lo - 1).bit_length(), max(hi, 0).bit_length())) if signed else max(1, hi.bit_length())
    parameters = (("scale", 1), ("zero_point", 0), ("bits", bits))
    operands = [
        node.input[0],
        *(model.add_constant(f"{node.name}_{name}", np.float32(value)) for name, value in parameters),
    ]
    options = {"signed": int(signed), "narrow": 0, "rounding_mode": _ROUNDINGS[node.op_type]}
    return Node("Quant", operands, [node.output[0]], node.name, QONNX_DOMAIN, options, origin_of(node))


def _hold_in_front(model: Model, node: Node, holders: Sequence[Node], lo: float, hi: float) -> None:
    """Clip the input of a rounding, instead of its output after factors."""
    name = model.fresh_name(f"{node.name}_held")
    model.set_shape(name, model.shape(node.input[0]))
    bounds = [model.add_constant(f"{name}_{end}", np.float32(value)) for end, value in (("lo", lo), ("hi", hi))]
    model.insert_before(node, Node("Clip", [node.input[0], *bounds], [name], name, origin=origin_of(node)))
    model.set_input(node, 0, name)
    # A tensor that differs from the file's gets a new name.
    last, tensor = node, node.output[0]
    while (reader := model.consumers(tensor)[0]) is not holders[-1]:
        tensor = reader.output[0]
        if reader in holders:
            model.remove(reader)
        else:
            _rename(model, last, reader)
            last = reader
    result = holders[-1].output[0]
    model.remove(holders[-1])
    model.set_output(last, result)


def _rename(model: Model, last: Node, reader: Node) -> None:
    """Rename the tensor between two nodes."""
    fresh = model.fresh_name(f"{last.name}_code")
    model.set_shape(fresh, model.shape(last.output[0]))
    model.set_output(last, fresh)
    place = next(index for index, name in enumerate(reader.input) if model.constant(name) is None)
    model.set_input(reader, place, fresh)


def _reaches_integers(model: Model, node: Node) -> bool:
    """Whether its result reaches a layer, a sum or another node that is not elementwise before a quantizer."""
    waiting, seen = [node.output[0]], set()
    while waiting:
        tensor = waiting.pop()
        for reader in model.consumers(tensor):
            traits = traits_of(reader)
            if reader in seen or traits.quantizes or reader.op_type in _ROUNDINGS:
                continue
            seen.add(reader)
            alone = len(data_operands(model, reader)) == 1
            if alone and (traits.elementwise or traits.layout or traits.takes_extremum):
                waiting.append(reader.output[0])
            elif not traits.compares:
                return True
    return False


def _limits(model: Model, node: Node) -> tuple[float, float]:
    """Bounds on the results of a rounding from the nodes in front of it; infinite if unknown."""
    lo, hi = limits_of(model, node.output[0])
    return float(lo.min()), float(hi.max())


def _holders_behind(model: Model, node: Node) -> list[tuple[Node, tuple[float, float]]]:
    """The nodes that clip a rounding's result, possibly after factors, with their limits on the result itself."""
    holders: list[tuple[Node, tuple[float, float]]] = []
    factors: list[Node] = []
    last = node
    while last.output[0] not in model.outputs and len(readers := model.consumers(last.output[0])) == 1:
        reader = readers[0]
        if reader.output[0] in model.outputs:
            break
        if _is_rising(model, reader):
            factors.append(reader)
        elif (bounds := _bounds(model, reader)) is not None:
            least, most = (_in_front(model, factors, bound) for bound in bounds)
            if least is None or most is None:
                break
            holders.append((reader, (least, most)))
        else:
            break
        last = reader
    return holders


def _is_rising(model: Model, node: Node) -> bool:
    """Whether a node scales by a positive number or adds one, equally for all channels."""
    number = scalar_operand(model, node)
    traits = traits_of(node)
    if number is None or (not traits.commutative and model.constant(node.input[0]) is not None):
        return False
    return traits.shifts or (traits.scales and number > 0)


def _in_front(model: Model, factors: Sequence[Node], bound: float) -> float | None:
    """The integer that these nodes map to a bound; None if there is none."""
    if np.isinf(bound):
        return bound
    numbers = [np.array(scalar_operand(model, node), dtype=np.float32) for node in factors]
    number = bound
    for node, own in zip(reversed(factors), reversed(numbers), strict=True):
        number = float(_AGAINST[node.op_type](number, float(own)))
    whole = float(np.rint(number))
    result = np.array(whole, dtype=np.float32)
    for node, own in zip(factors, numbers, strict=True):
        result = ARITHMETIC[node.op_type](result, own)
    return whole if result == np.float32(bound) else None


def _bounds(model: Model, node: Node) -> tuple[float, float] | None:
    """The numbers between which a node clips its input; None if it is not a clipping."""
    bounds = _HOLDERS.get(node.op_type)
    return None if bounds is None else bounds(model, node)


def _of_relu(model: Model, node: Node) -> tuple[float, float]:
    return 0.0, np.inf


def _of_clip(model: Model, node: Node) -> tuple[float, float]:
    bounds = [model.constant(name) if name else None for name in (*node.input[1:], "", "")][:2]
    low, high = (
        default if bound is None else float(bound.item())
        for bound, default in zip(bounds, (-np.inf, np.inf), strict=True)
    )
    return low, high


def _of_max(model: Model, node: Node) -> tuple[float, float] | None:
    number = scalar_operand(model, node)
    return None if number is None else (number, np.inf)


def _of_min(model: Model, node: Node) -> tuple[float, float] | None:
    number = scalar_operand(model, node)
    return None if number is None else (-np.inf, number)


_HOLDERS: dict[str, Callable[[Model, Node], tuple[float, float] | None]] = {
    "Clip": _of_clip,
    "Max": _of_max,
    "Min": _of_min,
    "Relu": _of_relu,
}
"""Operators that clip, and the limits of each."""
