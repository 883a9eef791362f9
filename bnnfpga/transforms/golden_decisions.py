"""What the golden model decides of a clean graph, noted where rewrites need it."""

from __future__ import annotations

from bnnfpga.frontend.graph.model import Model
from bnnfpga.golden.golden_model import Decisions
from bnnfpga.transforms.affine_inputs import ADDEND, REFUSAL
from bnnfpga.transforms.concats import JOINS_FLOATS


def mark_decisions(model: Model, decided: Decisions) -> None:
    """Note which concatenations of a clean graph join floats, and what constants in front of layers add to their sums.

    Rewrites change what stands in front of such nodes, and with it what could be decided there, but not to the bit.
    """
    for node in model.nodes:
        if node.name in decided.float_concats:
            model.set_attributes(node, **{JOINS_FLOATS: 1})
        if decided.refusal is not None and node.name == decided.refusal[0]:
            error = decided.refusal[1]
            model.set_attributes(node, **{REFUSAL: [error.message, str(error.where), str(error.hint)]})
        if node.name in decided.addends:
            model.set_attributes(node, **{ADDEND: decided.addends[node.name]})
