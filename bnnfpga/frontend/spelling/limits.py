"""Bounds on a tensor's values, derived from the elementwise nodes that lead to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import data_operands
from bnnfpga.numbers.arithmetic import Floats

Limits = tuple[Floats, Floats]
"""Lower and upper bound, for all channels or per channel; infinite if unknown."""
ARITHMETIC: dict[str, np.ufunc] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
_ANYTHING: Limits = (np.array([-np.inf], np.float32), np.array([np.inf], np.float32))


def limits_of(model: Model, tensor: str) -> Limits:
    """Bounds on the values of a tensor."""
    chain: list[Node] = []
    while (node := model.producer(tensor)) is not None and traits_of(node).elementwise:
        operands = data_operands(model, node)
        if traits_of(node).quantizes or len(operands) != 1:
            break
        chain.append(node)
        tensor = operands[0]
    limits = _ANYTHING
    for node in reversed(chain):
        propagate = _RESULTS.get(node.op_type, _anything)
        with np.errstate(all="ignore"):
            limits = propagate(model, node, limits)
    return limits


_Propagation = Callable[[Model, Node, Limits], Limits]


def _anything(model: Model, node: Node, limits: Limits) -> Limits:
    return _ANYTHING


def _within(lo: float, hi: float) -> _Propagation:
    return lambda model, node, limits: (np.array([lo], np.float32), np.array([hi], np.float32))


def _rising(function: Callable[[Floats], Floats]) -> _Propagation:
    return lambda model, node, limits: (function(limits[0]), function(limits[1]))


def _negated(model: Model, node: Node, limits: Limits) -> Limits:
    return -limits[1], -limits[0]


def _clipped(model: Model, node: Node, limits: Limits) -> Limits:
    lo, hi = limits
    low, high = (model.constant(node.input[i]) if len(node.input) > i and node.input[i] else None for i in (1, 2))
    for bound, limit in ((low, np.maximum), (high, np.minimum)):
        if bound is not None:
            lo, hi = limit(lo, np.float32(bound.item())), limit(hi, np.float32(bound.item()))
    return lo, hi


def _limited(limit: np.ufunc) -> _Propagation:
    def propagate(model: Model, node: Node, limits: Limits) -> Limits:
        numbers = _constant(model, node)
        return _ANYTHING if numbers is None else (limit(limits[0], numbers), limit(limits[1], numbers))

    return propagate


def _calculated(model: Model, node: Node, limits: Limits) -> Limits:
    """Float32 operations are monotonic, so the ends map to the ends."""
    numbers, is_first = _constant(model, node), model.constant(node.input[0]) is not None
    if numbers is None or (is_first and traits_of(node).divides):
        return _ANYTHING
    operation = ARITHMETIC[node.op_type]
    ends = [operation(numbers, end) if is_first else operation(end, numbers) for end in limits]
    lo, hi = np.minimum(*ends), np.maximum(*ends)
    lo, hi = np.where(np.isnan(lo), -np.inf, lo), np.where(np.isnan(hi), np.inf, hi)
    return lo.astype(np.float32), hi.astype(np.float32)


def _constant(model: Model, node: Node) -> Floats | None:
    """The constant operand of a node with two operands."""
    value = next((value for value in map(model.constant, node.input) if value is not None), None)
    return None if value is None or len(node.input) != 2 else value.astype(np.float32)


_RESULTS: dict[str, _Propagation] = {
    **dict.fromkeys(ARITHMETIC, _calculated),
    "Ceil": _rising(np.ceil),
    "Clip": _clipped,
    "Erf": _within(-1, 1),
    "Floor": _rising(np.floor),
    "HardSigmoid": _within(0, 1),
    "Max": _limited(np.maximum),
    "Min": _limited(np.minimum),
    "Neg": _negated,
    "Relu": _rising(lambda ends: np.maximum(ends, np.float32(0))),
    "Round": _rising(np.rint),
    "Sigmoid": _within(0, 1),
    "Softsign": _within(-1, 1),
    "Tanh": _within(-1, 1),
}
"""By elementwise operator, the limits of its output from those of its input; unknown for all others."""
