"""The costs of the parts of units in each FPGA family, a JSON file each (docs/costs.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bnnfpga.dataflow.cost_terms import CostTerms

FOLDER = Path(__file__).with_name("coefficients")


@dataclass(frozen=True)
class Residual:
    """How far estimates of a kind of unit were from what Yosys made of the units that were drawn, as shares of that.

    Parameters
    ----------
    median, worst
        The error that half of the units stay below, and the largest.
    band
        The error that nine of ten units stay below.
    """

    median: float
    worst: float
    band: float


@dataclass(frozen=True)
class KindResiduals:
    """The residuals of a kind of unit, and how many units they are of."""

    samples: int
    lut: Residual
    ff: Residual


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What each counted part of a unit costs in a family.

    Parameters
    ----------
    family
        The FPGA family.
    lut, ff
        LUTs and flip-flops of each part, by the names of `CostTerms`.
    kinds
        The residuals by kind of unit.
    tool, drawn
        What the costs were measured with, and on which units.
    """

    family: str
    lut: Mapping[str, float]
    ff: Mapping[str, float]
    kinds: Mapping[str, KindResiduals]
    tool: str
    drawn: Mapping[str, Any]

    def cost(self, terms: CostTerms) -> dict[str, int]:
        """The resources of a unit with these terms, an entry for each of `bnnfpga.dataflow.resources.RESOURCES`.

        Raises
        ------
        LookupError
            If a term has no coefficient.
        """
        try:
            lut = sum([self.lut[name] * count for name, count in terms.lut.items()])
            ff = sum([self.ff[name] * count for name, count in terms.ff.items()])
        except KeyError as error:
            raise LookupError(f"{self.family} has no coefficient {error} in {FOLDER.name}/") from None
        return {"lut": round(lut), "ff": round(ff), "bram18": terms.bram18, "dsp": terms.dsp}


@cache
def coefficients(family: str) -> Coefficients:
    """The coefficients of a family, one of `bnnfpga.dataflow.fabrics.FAMILIES`."""
    return read_coefficients(FOLDER / f"{family}.json")


def read_coefficients(path: Path) -> Coefficients:
    """The coefficients in a file."""
    data = json.loads(path.read_text())
    kinds = {
        kind: KindResiduals(entry["samples"], Residual(**entry["lut"]), Residual(**entry["ff"]))
        for kind, entry in data["kinds"].items()
    }
    return Coefficients(data["family"], data["lut"], data["ff"], kinds, data["tool"], data["drawn"])
