"""What units cost: one interface, so that a calibrated model can take the place of the units' own estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bnnfpga.dataflow.operator import Operator

Resources = Mapping[str, int]
"""An estimate: some of `bnnfpga.dataflow.resources.RESOURCES`."""


class CostModel(Protocol):
    """Estimates of units, width converters and FIFOs alike."""

    def of(self, operator: Operator) -> Resources:
        """The resources of a unit, its memories included."""

    def levels(self, operator: Operator) -> int:
        """The logic levels of its longest path, which determine its clock (`Target.reached_mhz`)."""

    def has_quick_levels(self, operator: Operator) -> bool:
        """Whether `levels` takes microseconds; if not, the search asks only for units that it would choose."""


class StatedCosts:
    """The estimates that units state themselves (`Operator.resources`)."""

    def of(self, operator: Operator) -> Resources:
        return operator.resources()

    def levels(self, operator: Operator) -> int:
        return operator.logic_levels

    def has_quick_levels(self, operator: Operator) -> bool:
        # The paths of weights in logic are those of their netlist, which must be made first.
        return operator.memory != "logic"
