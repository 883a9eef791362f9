"""Quantizers written as a rounding of what is held between limits: Round(Clip(x) * n) / n, and its like."""

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
    """A rounding of numbers between limits, on its way to what works on integers, becomes a Quant of scale 1.

    The limits stand in front of it or, as integers, behind it. Where the next quantizer takes its floats, it stays what
    it is.
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
    """x + (q - x), as a straight-through estimator leaves it, is q where q is quantised.

    It is that but for the rounding of two sums, of what float32 has as q itself.
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
    """Whether factors alone stand between a tensor and a rounding or a quantizer."""
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
    """A quantizer that rounds numbers between two integers as `node` does; it may have codes that never come."""
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
    """Hold what a rounding takes between integers, instead of what it and factors give."""
    name = model.fresh_name(f"{node.name}_held")
    model.set_shape(name, model.shape(node.input[0]))
    bounds = [model.add_constant(f"{name}_{end}", np.float32(value)) for end, value in (("lo", lo), ("hi", hi))]
    model.insert_before(node, Node("Clip", [node.input[0], *bounds], [name], name, origin=origin_of(node)))
    model.set_input(node, 0, name)
    # A tensor that is something else now than in the file has another name.
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
    """Let a node read what another one makes, under a new name."""
    fresh = model.fresh_name(f"{last.name}_code")
    model.set_shape(fresh, model.shape(last.output[0]))
    model.set_output(last, fresh)
    place = next(index for index, name in enumerate(reader.input) if model.constant(name) is None)
    model.set_input(reader, place, fresh)


def _reaches_integers(model: Model, node: Node) -> bool:
    """Whether what it makes comes to a layer, a sum or whatever else is no element's own, before a quantizer."""
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
    """Between which numbers a rounding gives its results; infinite where nothing in front of it says so."""
    lo, hi = limits_of(model, node.output[0])
    return float(lo.min()), float(hi.max())


def _holders_behind(model: Model, node: Node) -> list[tuple[Node, tuple[float, float]]]:
    """Nodes behind a rounding, and behind factors, that hold it between limits; these, as what it gives itself."""
    found: list[tuple[Node, tuple[float, float]]] = []
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
            found.append((reader, (least, most)))
        else:
            break
        last = reader
    return found


def _is_rising(model: Model, node: Node) -> bool:
    """Whether a node scales by a positive number, or adds one, and does the same with all channels."""
    number = scalar_operand(model, node)
    traits = traits_of(node)
    if number is None or (not traits.commutative and model.constant(node.input[0]) is not None):
        return False
    return traits.shifts or (traits.scales and number > 0)


def _in_front(model: Model, factors: Sequence[Node], bound: float) -> float | None:
    """The integer of which nodes make a bound; None where there is none."""
    if np.isinf(bound):
        return bound
    numbers = [np.array(scalar_operand(model, node), dtype=np.float32) for node in factors]
    number = bound
    for node, own in zip(reversed(factors), reversed(numbers), strict=True):
        number = float(_AGAINST[node.op_type](number, float(own)))
    whole = float(np.rint(number))
    made = np.array(whole, dtype=np.float32)
    for node, own in zip(factors, numbers, strict=True):
        made = ARITHMETIC[node.op_type](made, own)
    return whole if made == np.float32(bound) else None


def _bounds(model: Model, node: Node) -> tuple[float, float] | None:
    """Between which numbers a node holds what it takes; None where it does something else."""
    bounds = _HOLDERS.get(node.op_type)
    return None if bounds is None else bounds(model, node)


def _of_relu(model: Model, node: Node) -> tuple[float, float]:
    return 0.0, np.inf


def _of_clip(model: Model, node: Node) -> tuple[float, float]:
    given = [model.constant(name) if name else None for name in (*node.input[1:], "", "")][:2]
    low, high = (
        default if bound is None else float(bound.item())
        for bound, default in zip(given, (-np.inf, np.inf), strict=True)
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
"""What holds numbers between limits: by operator, between which."""
