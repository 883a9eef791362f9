"""Coefficients that fit units which Yosys has measured, and how far off they are for units that were held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_coefficients import Residual
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.target import Target

Floats = NDArray[np.float64]

SMALLEST = 40
"""LUTs or flip-flops that smaller units count as having, where errors are shares."""
_ROUNDS = 30
"""Of a fit, each with other weights of the units."""
_SWEEPS = 200
"""Over the coefficients, in a round."""
_CLOSEST = 0.01
"""Errors below this share do not weigh more than it."""
_PRIOR = 0.0005
"""How much a coefficient resists leaving its present value, beside the units."""


@dataclass(frozen=True)
class Kind:
    """Units whose costs are calibrated together.

    Parameters
    ----------
    name
        Its name, as in the residuals of a family.
    draw
        Draws a unit, built for a target.
    lut, ff
        The coefficients that these units determine, by name or, with a dot at the end, all that begin so. The others
        stay as they are.
    """

    name: str
    draw: Callable[[Generator, Target], Operator]
    lut: tuple[str, ...]
    ff: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """The terms of a unit in one resource, and how many of that Yosys made."""

    terms: Mapping[str, float]
    measured: int

    def error(self, costs: Mapping[str, float]) -> float:
        """The estimate's error, as a share of what was measured."""
        estimate = sum(costs[name] * count for name, count in self.terms.items())
        return (estimate - self.measured) / max(SMALLEST, self.measured)


def chosen(costs: Mapping[str, float], wanted: Sequence[str], samples: Sequence[Sample]) -> list[str]:
    """The names among `costs` that are wanted (`Kind`) and that some sample has."""
    stated = {name for sample in samples for name, count in sample.terms.items() if count}
    heads = tuple(name for name in wanted if name.endswith("."))
    return [name for name in costs if name in stated and (name in wanted or name.startswith(heads))]


def fitted(costs: Mapping[str, float], names: Sequence[str], samples: Sequence[Sample]) -> dict[str, float]:
    """`costs` with other values of `names`, none negative, that lead to the least sum of absolute relative errors.

    Least squares with weights by the errors of the round before (iteratively reweighted least squares; Schlossmacher,
    "An iterative technique for absolute deviations curve fitting", 1973), by coordinate descent.
    """
    if not names or not samples:
        return dict(costs)
    scale = np.array([1 / max(SMALLEST, sample.measured) for sample in samples])
    counts = np.array([[sample.terms.get(name, 0) for name in names] for sample in samples], float) * scale[:, None]
    present = np.array([costs[name] for name in names])
    # What is left for the chosen coefficients to explain.
    left = -np.array([sample.error({**costs, **dict.fromkeys(names, 0.0)}) for sample in samples])
    values = present.copy()
    for _ in range(_ROUNDS):
        weights = 1 / np.maximum(_CLOSEST, np.abs(counts @ values - left))
        values = _least_squares(counts, left, weights, present, values)
    return {**costs, **{name: round(float(value), 3) for name, value in zip(names, values, strict=True)}}


def _least_squares(counts: Floats, left: Floats, weights: Floats, present: Floats, values: Floats) -> Floats:
    gram = counts.T @ (weights[:, None] * counts)
    prior = _PRIOR * np.diag(gram) + 1e-12
    gram += np.diag(prior)
    target = counts.T @ (weights * left) + prior * present
    values = values.copy()
    for _ in range(_SWEEPS):
        for place in range(len(values)):
            rest = target[place] - gram[place] @ values + gram[place, place] * values[place]
            values[place] = max(0.0, rest / gram[place, place])
    return values


def residual(errors: Sequence[float]) -> Residual:
    """The residual of such errors."""
    sizes = np.abs(errors)
    median, band = np.quantile(sizes, [0.5, 0.9])
    return Residual(*(round(float(value), 4) for value in (median, sizes.max(), band)))
