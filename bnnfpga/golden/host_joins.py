"""Sums and concatenations after the last layers whose operands have no common grid: the host computes them."""

from __future__ import annotations

from bnnfpga.frontend.ends.final import cut_joins, joins_behind_layers
from bnnfpga.frontend.graph.model import Model
from bnnfpga.golden.golden_model import GoldenGraph, golden_graph
from bnnfpga.host.input_format import InputFormat


def leave_joins(model: Model, input: InputFormat) -> GoldenGraph:
    """Cut, in place, the nodes that join floats at the end of a clean graph: their operands become its outputs.

    Operands with a common grid are joined in the accelerator.

    Returns
    -------
    GoldenGraph
        The golden graph of the modified graph.
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
