"""What tuning minimises: area as one number, or the largest share of a part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.tuning.budgets import cheapest_within, least_share, small_share
from bnnfpga.tuning.folding_search import LUTS_OF_RESOURCES, Choice, CostWeights, SpeedLimits, cheapest
from bnnfpga.tuning.space import FoldingSpace

CostUnit = Literal["LUT", "share"]
"""Of what is minimised: an area in LUTs, or a share of a part's budget."""
MOST_WEIGHT = 1e9
"""The largest weight of a resource or a cycle: sums of them stay numbers that are told apart."""


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what an accelerator may use.

    Parameters
    ----------
    weights
        What each resource and each cycle of delay counts, in LUTs; None for the largest share of the budget, and of
        equal shares the fewest LUTs.
    budget
        The most of each resource; None for any.
    """

    weights: CostWeights | None = LUTS_OF_RESOURCES
    budget: Mapping[str, int] | None = None

    def __str__(self) -> str:
        if self.weights is None:
            return "largest share of the part, then LUT"
        named = [(getattr(self.weights, kind), kind) for kind in RESOURCES]
        terms = [f"{weight:g}*{kind}" if weight != 1 else kind for weight, kind in named if weight]
        if self.weights.latency:
            terms.append(f"{self.weights.latency:g}*cycles of delay")
        return " + ".join(terms)

    def best(self, space: FoldingSpace, limits: SpeedLimits) -> Choice | None:
        """The best folding within limits and budget; None if there is none."""
        if self.budget is None:
            assert self.weights is not None
            return cheapest(space, limits, self.weights)
        if self.weights is None:
            choice = least_share(space, limits, self.budget)
            return choice if choice is not None and choice.objective <= 1 else None
        choice = self.any(space, limits)
        return None if choice is None else cheapest_within(space, limits, self.weights, self.budget, choice)

    @property
    def unit(self) -> CostUnit:
        """The unit of what is minimised."""
        return "share" if self.weights is None else "LUT"

    def quick(self, space: FoldingSpace, limits: SpeedLimits) -> Choice | None:
        """A folding within limits that is near the best, whether it keeps the budget or not.

        None if there is none, or if all take what the part does not have at all, and their share is no number.
        """
        if self.weights is not None:
            return cheapest(space, limits, self.weights)
        assert self.budget is not None
        choice = small_share(space, limits, self.budget)
        return choice if choice is not None and choice.objective < math.inf else None

    def any(self, space: FoldingSpace, limits: SpeedLimits) -> Choice | None:
        """Some folding within limits and budget; None if there is none."""
        if self.budget is None:
            return self.best(space, limits)
        choice = least_share(space, limits, self.budget, fits=True)
        return choice if choice is not None and choice.objective <= 1 else None


def parse_weights(text: str) -> CostWeights:
    """The weights in a text like `lut=1,ff=0.25,bram18=100,dsp=60`; what it does not name has none.

    Raises
    ------
    UserError
        If it is not of that form, names a resource twice, or no weight is above 0.
    """
    where, hint = "--weights", f"like lut=1,ff=0.25,bram18=100,dsp=60, of {', '.join(RESOURCES)}"
    found: dict[str, float] = {}
    for word in text.split(","):
        kind, _, number = (part.strip() for part in word.partition("="))
        if kind in found:
            raise UserError(f"{kind} is there twice", where=where, hint=hint)
        try:
            found[kind] = float(number)
        except ValueError:
            found[kind] = math.nan
        if kind not in RESOURCES or not 0 <= found[kind] <= MOST_WEIGHT:
            raise UserError(f"{shown(word)} is not a weight of a resource", where=where, hint=hint)
    if not any(found.values()):
        raise UserError("all weights are 0", where=where, hint=hint)
    return CostWeights(**{kind: found.get(kind, 0.0) for kind in RESOURCES})
