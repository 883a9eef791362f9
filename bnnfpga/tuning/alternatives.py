"""What users may choose from: the legal foldings of a unit with the cycles and resources of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bnnfpga.dataflow.folding import LayerFolding
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.tuning.cost_model import CostModel
from bnnfpga.tuning.forms import legal_forms


@dataclass(frozen=True)
class Alternative:
    """A legal folding of a unit.

    Parameters
    ----------
    folding
        Its settings, as a folding file has them.
    cycles
        Cycles per frame when the unit waits for nothing.
    resources
        Estimated `lut`, `ff`, `bram18` and `dsp` of the unit alone.
    """

    folding: Mapping[str, int | str]
    cycles: int
    resources: Mapping[str, int]


def alternatives(operator: Operator, model: CostModel) -> list[Alternative]:
    """The foldings among which the search chooses, the slowest first; none if a unit follows its neighbours."""
    if not operator.legal_pe():
        return []
    found: dict[tuple[object, ...], Alternative] = {}
    for form in legal_forms(operator, LayerFolding()):
        unit = form.unit
        own = LayerFolding(
            *unit.folding, unit.memory, unit.requantizer, unit.accumulators, unit.kernel_pixels
        ).as_dict()
        # A requantizer that a unit chooses by itself is one of those that can be named as well.
        key = tuple(own.items())
        if key not in found:
            found[key] = Alternative(own, unit.interval(), add_resources(model.of(unit)))
    return sorted(found.values(), key=lambda one: -one.cycles)
