"""Fits the costs of the parts of units to what Yosys makes of units that are drawn at random (`docs/costs.md`).

    python -m benchmarks.calibrate --family xc7 [--kind KIND ...] [--count N] [--seed S] [--jobs J] [--dry-run]

Every kind of unit is a module in `benchmarks/calibrated`: it says how units are drawn, and which coefficients they
determine. A third of the units is held out of the fit; the errors of these alone are written beside the coefficients,
into the file of the family in `bnnfpga/dataflow/coefficients`. What Yosys makes of a unit is cached by content. Units
that Yosys maps with other block RAMs or DSP slices than their terms state are printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from benchmarks.calibrated import kinds
from benchmarks.calibration import Kind, Sample, chosen, fitted, residual
from bnnfpga.base.assets import asset
from bnnfpga.codegen.out_of_context import UnitSources, library_of, lone_sources
from bnnfpga.dataflow.cost_coefficients import FOLDER
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.target import Target
from bnnfpga.synthesis.unit_area import UnitArea, yosys_version
from bnnfpga.synthesis.yosys import measure_units

CLOCKS_MHZ = (100.0, 100.0, 150.0, 200.0, 250.0)
"""The clocks that units are drawn for."""
HELD_OUT = 3
"""Every how many units one is held out."""


def main() -> None:
    """Draw, measure, fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = kinds()
    parser.add_argument("--family", required=True, choices=FAMILIES)
    parser.add_argument("--kind", nargs="+", choices=tuple(known), default=tuple(known), help="kinds of units")
    parser.add_argument("--count", type=int, default=60, help="units of a kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="Yosys processes at a time")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print errors of the present costs too")
    arguments = parser.parse_args()
    path = FOLDER / f"{arguments.family}.json"
    data = json.loads(path.read_text())
    for name in arguments.kind:
        kind = known[name]
        units = drawn(kind, arguments.family, arguments.count, arguments.seed)
        entry = calibrate(kind, data, units, measured(units, arguments.family, arguments.jobs))
        data["kinds"][name] = {**entry, "seed": arguments.seed, "tool": f"Yosys {yosys_version()}"}
        print(name, json.dumps(data["kinds"][name]), flush=True)
    if not arguments.dry_run:
        data["kinds"] = dict(sorted(data["kinds"].items()))
        path.write_text(json.dumps(data, indent=1) + "\n")


def drawn(kind: Kind, family: str, count: int, seed: int) -> list[Operator]:
    """So many units of a kind, the same for a seed."""
    rng = np.random.default_rng([seed, *kind.name.encode()])
    return [kind.draw(rng, Target(float(rng.choice(CLOCKS_MHZ)), family)) for _ in range(count)]


def measured(units: Sequence[Operator], family: str, jobs: int | None = None) -> list[UnitArea]:
    """What Yosys makes of units, each alone."""
    library = library_of(asset("rtl"))
    sources: list[UnitSources] = [
        replace(lone_sources(unit, library), name=f"{place}") for place, unit in enumerate(units)
    ]
    return list(measure_units(sources, family, jobs=jobs, progress=_progress))


def _progress(done: int, of: int) -> None:
    print(f"\r{done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)


def calibrate(kind: Kind, data: dict[str, Any], units: Sequence[Operator], areas: Sequence[UnitArea]) -> dict[str, Any]:
    """Put fitted coefficients into a family's data; returns the residuals of the kind."""
    held = [place % HELD_OUT == HELD_OUT - 1 for place in range(len(units))]
    terms = [unit.cost_terms() for unit in units]
    entry: dict[str, Any] = {"samples": sum(held), "fitted": len(held) - sum(held)}
    for resource, wanted in (("lut", kind.lut), ("ff", kind.ff)):
        samples = [
            Sample(getattr(term, resource), getattr(area.counts, resource))
            for term, area in zip(terms, areas, strict=True)
        ]
        kept = [sample for sample, out in zip(samples, held, strict=True) if not out]
        before = residual([sample.error(data[resource]) for sample in samples])
        print(f"{kind.name} {resource}, all units with the present costs: {before}")
        data[resource] = fitted(data[resource], chosen(data[resource], wanted, kept), kept)
        errors = [sample.error(data[resource]) for sample, out in zip(samples, held, strict=True) if out]
        entry[resource] = asdict(residual(errors))
    for unit, term, area in zip(units, terms, areas, strict=True):
        if (term.bram18, term.dsp) != (area.counts.bram18, area.counts.dsp):
            counts = f"{area.counts.bram18} block RAM, {area.counts.dsp} DSP"
            print(f"{counts}, not {term.bram18} and {term.dsp}: {unit.kind} {unit.folding}")
    return entry


if __name__ == "__main__":
    main()
