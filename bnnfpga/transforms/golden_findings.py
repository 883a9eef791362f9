"""The golden model's findings on a clean graph, recorded as attributes for the transforms."""

from __future__ import annotations

from bnnfpga.frontend.graph.model import Model
from bnnfpga.golden.golden_model import Findings
from bnnfpga.transforms.affine_inputs import ADDEND, REFUSAL
from bnnfpga.transforms.concats import JOINS_FLOATS


def mark_findings(model: Model, findings: Findings) -> None:
    """Record which concatenations of a clean graph join floats, and what constants before layers add to their sums.

    Transforms change what precedes such nodes; recomputed from that, the findings would not be the same to the bit.
    """
    for node in model.nodes:
        if node.name in findings.float_concats:
            model.set_attributes(node, **{JOINS_FLOATS: 1})
        if findings.refusal is not None and node.name == findings.refusal[0]:
            error = findings.refusal[1]
            model.set_attributes(node, **{REFUSAL: [error.message, error.where, error.hint]})
        if node.name in findings.addends:
            model.set_attributes(node, **{ADDEND: findings.addends[node.name]})
