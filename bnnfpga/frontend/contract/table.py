"""All contracts: by operator, and those of what is refused."""

from __future__ import annotations

from dataclasses import replace

from bnnfpga.frontend.contract import elementwise_operators as elementwise
from bnnfpga.frontend.contract import end_operators as ends
from bnnfpga.frontend.contract import finn_operators as finn
from bnnfpga.frontend.contract import function_operators as functions
from bnnfpga.frontend.contract import layer_operators as layers
from bnnfpga.frontend.contract import mover_operators as movers
from bnnfpga.frontend.contract import qonnx_operators as qonnx
from bnnfpga.frontend.contract.refused_operators import REFUSALS, Refusal
from bnnfpga.frontend.contract.terms import Operator

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


def of_family(*families: str) -> tuple[str, ...]:
    """Names of the standard operators in some families."""
    return tuple(operator.name for operator in STANDARD.values() if operator.family in families)
