"""Sums and concatenations behind the last layers whose operands have no common grid: a host joins them."""

from __future__ import annotations

from bnnfpga.frontend.ends.final import cut_joins, joins_behind_layers
from bnnfpga.frontend.graph.model import Model
from bnnfpga.golden.golden_model import decisions
from bnnfpga.host.input_format import InputFormat


def leave_joins(model: Model, input: InputFormat) -> None:
    """Leave to the host, in place, what joins floats at the end of a clean graph: its operands become outputs.

    What has a common grid is joined in the accelerator.
    """
    while joins := joins_behind_layers(model):
        decided = decisions(model, input)
        refused = "" if decided.refusal is None else decided.refusal[0]
        left = [node for node in joins if node.name in decided.float_joins or node.name == refused]
        if not left:
            return
        cut_joins(model, left)
