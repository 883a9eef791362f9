"""The operators that the frontend leaves to the host."""

from __future__ import annotations

from bnnfpga.frontend.graph.model import Model


def final_operators(model: Model) -> tuple[str, ...]:
    """The operators after the last layer that were cut off a model, in order."""
    return tuple(node.op_type for node in model.end.graph.nodes) if model.end else ()
