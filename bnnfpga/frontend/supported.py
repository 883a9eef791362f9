"""What a clean graph may hold."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import ELEMENTWISE, LAYOUT_OPS, comes_from_constants, describe

SUPPORTED = ("MatMul", "Transpose", *ELEMENTWISE, *LAYOUT_OPS)


def check_supported(model: ModelWrapper) -> None:
    """Refuse operators that cannot be compiled, and more than one output.

    Raises
    ------
    UserError
        If there is one.
    """
    for node in model.graph.node:
        if node.op_type not in SUPPORTED:
            raise UserError(
                "operators of this kind cannot be compiled",
                where=describe(node),
                hint=f"supported are {', '.join(sorted(SUPPORTED))}",
            )
        if node.op_type == "Transpose" and not comes_from_constants(model, node.input[0]):
            raise UserError(
                "it changes the order of an image's elements",
                where=describe(node),
                hint="only weights can be transposed; permute the next layer's weights instead",
            )
    if len(model.graph.output) != 1:
        raise UserError(f"it has {len(model.graph.output)} outputs; one can be compiled", where="the model's graph")
