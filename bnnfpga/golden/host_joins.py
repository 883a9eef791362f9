"""Sums and concatenations behind the last layers whose operands have no common grid: a host joins them."""

from __future__ import annotations

from bnnfpga.frontend.ends.final import cut_joins, joins_behind_layers
from bnnfpga.frontend.graph.model import Model
from bnnfpga.golden.golden_model import GoldenGraph, golden_graph
from bnnfpga.host.input_format import InputFormat


def leave_joins(model: Model, input: InputFormat) -> GoldenGraph:
    """Leave to the host, in place, what joins floats at the end of a clean graph: its operands become outputs.

    What has a common grid is joined in the accelerator.

    Returns
    -------
    GoldenGraph
        That of the graph as it is then.
    """
    while True:
        graph = golden_graph(model, input)
        joins = joins_behind_layers(model)
        findings = graph.findings
        refused = "" if findings.refusal is None else findings.refusal[0]
        left = [node for node in joins if node.name in findings.float_joins or node.name == refused]
        if not left:
            return graph
        cut_joins(model, left)
