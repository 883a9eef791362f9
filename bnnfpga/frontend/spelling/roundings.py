"""Quantizers written as a rounding of what is held between limits: Round(Clip(x) * n) / n, and its like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    ELEMENTWISE,
    QONNX_DOMAIN,
    QUANTIZERS,
    comes_from_constants,
    data_operands,
    origin_of,
    scalar_operand,
)
from bnnfpga.frontend.graph.rewriting import Rewrite
from bnnfpga.numbers.arithmetic import Floats

_ROUNDINGS = {"Round": "ROUND", "Floor": "FLOOR", "Ceil": "CEIL"}
_ROUNDED = {"Round": np.rint, "Floor": np.floor, "Ceil": np.ceil}
_WITHIN = {
    "Sigmoid": (0.0, 1.0),
    "HardSigmoid": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "Erf": (-1.0, 1.0),
    "Softsign": (-1.0, 1.0),
}
_ARITHMETIC: dict[str, np.ufunc] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
_AGAINST: dict[str, np.ufunc] = {"Add": np.subtract, "Sub": np.add, "Mul": np.divide, "Div": np.multiply}
_COMPARING = ("Greater", "Less", "GreaterOrEqual", "LessOrEqual")
_MAX_LEVELS = 1 << 16
_Ends = tuple[Floats, Floats]
_ANYTHING: _Ends = (np.array([-np.inf], np.float32), np.array([np.inf], np.float32))


class RoundingsToQuantizers(Rewrite):
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


class StraightThrough(Rewrite):
    """x + (q - x), as a straight-through estimator leaves it, is q where q is quantised.

    It is that but for the rounding of two sums, of what float32 has as q itself.
    """

    kinds = ("Add",)

    def visit(self, model: Model, node: Node) -> bool:
        for x, rest in (node.input, node.input[::-1]):
            difference = model.producer(rest)
            if difference is None or difference.op_type != "Sub" or difference.input[1] != x:
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
        if node.op_type in (*_ROUNDINGS, *QUANTIZERS):
            return True
        if node.op_type not in _ARITHMETIC and node.op_type not in ("Clip", "Relu", "Max", "Min"):
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
            if reader in seen or reader.op_type in QUANTIZERS or reader.op_type in _ROUNDINGS:
                continue
            seen.add(reader)
            alone = len(data_operands(model, reader)) == 1
            traits = traits_of(reader)
            if alone and (traits.elementwise or traits.layout or traits.takes_extremum):
                waiting.append(reader.output[0])
            elif reader.op_type not in _COMPARING:
                return True
    return False


def _limits(model: Model, node: Node) -> tuple[float, float]:
    """Between which numbers a rounding gives its results; infinite where nothing in front of it says so."""
    lo, hi = (_ROUNDED[node.op_type](end) for end in _ends(model, node.input[0]))
    return float(lo.min()), float(hi.max())


def _ends(model: Model, tensor: str) -> _Ends:
    """Floats, of all channels or of each, between which a tensor lies; infinite where nothing in front says so."""
    chain: list[Node] = []
    while (node := model.producer(tensor)) is not None and node.op_type in ELEMENTWISE:
        operands = data_operands(model, node)
        if node.op_type in QUANTIZERS or len(operands) != 1:
            break
        chain.append(node)
        tensor = operands[0]
    ends = _ANYTHING
    for node in reversed(chain):
        with np.errstate(all="ignore"):
            ends = _through(model, node, ends)
    return ends


def _through(model: Model, node: Node, ends: _Ends) -> _Ends:
    """The limits behind an elementwise node."""
    lo, hi = ends
    kind = node.op_type
    if kind in _WITHIN:
        return np.array([_WITHIN[kind][0]], np.float32), np.array([_WITHIN[kind][1]], np.float32)
    if kind == "Relu":
        return np.maximum(lo, np.float32(0)), np.maximum(hi, np.float32(0))
    if kind == "Clip":
        low, high = (model.constant(node.input[i]) if len(node.input) > i and node.input[i] else None for i in (1, 2))
        for bound, limit in ((low, np.maximum), (high, np.minimum)):
            if bound is not None:
                lo, hi = limit(lo, np.float32(bound.item())), limit(hi, np.float32(bound.item()))
        return lo, hi
    if kind == "Neg":
        return -hi, -lo
    if kind in ("Round", "Floor", "Ceil"):
        return _ROUNDED[kind](lo), _ROUNDED[kind](hi)
    values = [model.constant(name) for name in node.input]
    constant = next((value for value in values if value is not None), None)
    if kind not in ("Add", "Sub", "Mul", "Div", "Max", "Min") or constant is None or len(values) != 2:
        return _ANYTHING
    operation = _ARITHMETIC.get(kind)
    numbers = constant.astype(np.float32)
    if operation is None:
        limit = np.maximum if kind == "Max" else np.minimum
        return limit(lo, numbers), limit(hi, numbers)
    if kind == "Div" and values[0] is not None:
        return _ANYTHING
    # A float32 operation is monotone, so that the ends go to the ends.
    made = [operation(numbers, end) if values[0] is not None else operation(end, numbers) for end in (lo, hi)]
    low, high = np.minimum(*made), np.maximum(*made)
    return np.where(np.isnan(low), -np.inf, low).astype(np.float32), np.where(np.isnan(high), np.inf, high).astype(
        np.float32
    )


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
    if number is None or (node.op_type in ("Sub", "Div") and model.constant(node.input[0]) is not None):
        return False
    return node.op_type in ("Add", "Sub") or (node.op_type in ("Mul", "Div") and number > 0)


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
        made = _ARITHMETIC[node.op_type](made, own)
    return whole if made == np.float32(bound) else None


def _bounds(model: Model, node: Node) -> tuple[float, float] | None:
    """Between which numbers a node holds what it takes; None where it does something else."""
    if node.op_type == "Relu":
        return 0.0, np.inf
    if node.op_type == "Clip":
        given = [model.constant(name) if name else None for name in (*node.input[1:], "", "")][:2]
        low, high = (
            default if bound is None else float(bound.item())
            for bound, default in zip(given, (-np.inf, np.inf), strict=True)
        )
        return low, high
    number = scalar_operand(model, node) if node.op_type in ("Max", "Min") else None
    if number is None:
        return None
    return (number, np.inf) if node.op_type == "Max" else (-np.inf, number)
