"""All contracts and refusals, by operator, and the traits of nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import onnx

from bnnfpga.frontend.contract import elementwise_operators as elementwise
from bnnfpga.frontend.contract import end_operators as ends
from bnnfpga.frontend.contract import finn_operators as finn
from bnnfpga.frontend.contract import function_operators as functions
from bnnfpga.frontend.contract import layer_operators as layers
from bnnfpga.frontend.contract import mover_operators as movers
from bnnfpga.frontend.contract import qonnx_operators as qonnx
from bnnfpga.frontend.contract.own_operators import OWN
from bnnfpga.frontend.contract.refused_operators import REFUSALS, Refusal
from bnnfpga.frontend.contract.terms import Contract
from bnnfpga.frontend.contract.traits import NONE, Traits
from bnnfpga.frontend.graph.model import Node

STANDARD: dict[str, Contract] = {
    operator.name: operator
    for family in (layers, elementwise, functions, movers, ends)
    for operator in family.OPERATORS
}
"""ONNX's own operators, by name."""
QONNX: dict[str, Contract] = {
    operator.name: replace(operator, last=qonnx.NEWEST_QONNX) for operator in (*qonnx.OPERATORS, *finn.OPERATORS)
}
"""QONNX's and FINN's operators, by their names in a clean graph."""
REFUSED: dict[str, Refusal] = {name: refusal for refusal in REFUSALS for name in refusal.operators}
"""Unsupported ONNX operators, by name."""
TRAITS: dict[str, Traits] = {
    **{name: operator.traits for table in (STANDARD, QONNX) for name, operator in table.items()},
    **OWN,
}
"""The traits of each operator that a clean graph, or its host part, may contain."""


def traits_of(node: Node | onnx.NodeProto) -> Traits:
    """The traits of a node's operator; an operator outside the table has none."""
    return TRAITS.get(node.op_type, NONE)


def kinds_that(have: Callable[[Traits], bool]) -> tuple[str, ...]:
    """The names of all operators whose traits satisfy a predicate: `kinds_that(lambda traits: traits.pools)`."""
    return tuple(name for name, traits in TRAITS.items() if have(traits))
