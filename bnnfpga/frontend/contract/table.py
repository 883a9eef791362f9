"""All contracts: by operator, and those of what is refused; and the traits of a node by its operator."""

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
from bnnfpga.frontend.contract.terms import Operator
from bnnfpga.frontend.contract.traits import NONE, Traits
from bnnfpga.frontend.graph.model import Node

STANDARD: dict[str, Operator] = {
    operator.name: operator
    for family in (layers, elementwise, functions, movers, ends)
    for operator in family.OPERATORS
}
"""ONNX's own operators, by name."""
QONNX: dict[str, Operator] = {
    operator.name: replace(operator, last=qonnx.NEWEST_QONNX) for operator in (*qonnx.OPERATORS, *finn.OPERATORS)
}
"""QONNX's and FINN's operators, by the names that they have in a clean graph."""
REFUSED: dict[str, Refusal] = {name: refusal for refusal in REFUSALS for name in refusal.operators}
"""ONNX's operators that are not taken."""
TRAITS: dict[str, Traits] = {
    **{name: operator.traits for table in (STANDARD, QONNX) for name, operator in table.items()},
    **OWN,
}
"""Of each operator that a clean graph, or the host's part of one, may hold."""


def traits_of(node: Node | onnx.NodeProto) -> Traits:
    """What a node's operator does; one that the table does not have has no traits."""
    return TRAITS.get(node.op_type, NONE)


def kinds_that(have: Callable[[Traits], bool]) -> tuple[str, ...]:
    """The names of all operators whose traits are such: `kinds_that(lambda traits: traits.pools)`."""
    return tuple(name for name, traits in TRAITS.items() if have(traits))
