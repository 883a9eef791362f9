"""The operators of a clean graph."""

from __future__ import annotations

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import STANDARD, kinds_that, traits_of
from bnnfpga.frontend.ends.final import FINAL
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.nodes import attribute, describe

SUPPORTED = kinds_that(
    lambda traits: (
        (traits.elementwise or traits.dot_product or traits.pools)
        or (traits.concatenates or traits.pads or traits.layout or traits.picks)
    )
)


def check_supported(model: Model) -> None:
    """Refuse nodes that could not be brought into a clean graph's form.

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
        if traits_of(node).pads and attribute(node, "mode", "constant") != "constant":
            raise UserError(
                f"its mode is {attribute(node, 'mode', '')!r}; in front of a layer, only constants can be put "
                "around an image",
                where=describe(node),
                hint="use zero padding",
            )


def _hint(kind: str) -> str:
    contract = STANDARD.get(kind)
    if kind in FINAL:
        return "it can only stand at the end of the model, behind its scores"
    return f"docs/operators.md says where it can: {contract.does}" if contract else "docs/operators.md lists what can"
