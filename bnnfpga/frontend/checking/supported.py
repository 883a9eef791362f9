"""What a clean graph may hold."""

from __future__ import annotations

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import STANDARD
from bnnfpga.frontend.ends.final import FINAL
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.nodes import DOT_PRODUCTS, ELEMENTWISE, LAYOUT_OPS, POOLS, attribute, describe

SUPPORTED = (*DOT_PRODUCTS, *POOLS, "Concat", "Gather", "Pad", "Resize", "Transpose", *ELEMENTWISE, *LAYOUT_OPS)


def check_supported(model: Model) -> None:
    """Refuse what no rewrite has brought into a clean graph's form.

    Raises
    ------
    UserError
        If there is one.
    """
    for node in model.nodes:
        if node.op_type not in SUPPORTED:
            raise UserError(
                "it cannot be compiled at this place in the model", where=describe(node), hint=_hint(node.op_type)
            )
        if node.op_type == "Pad" and attribute(node, "mode", "constant") != "constant":
            raise UserError(
                f"its mode is {attribute(node, 'mode', '')!r}; in front of a layer, only constants can be put "
                "around an image",
                where=describe(node),
                hint="use zero padding",
            )


def _hint(kind: str) -> str:
    operator = STANDARD.get(kind)
    if kind in FINAL:
        return "it can only stand at the end of the model, behind its scores"
    return f"docs/operators.md says where it can: {operator.does}" if operator else "docs/operators.md lists what can"
