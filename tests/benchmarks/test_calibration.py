"""Costs of parts are found from units that consist of them, and units of a kind are the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibrate import drawn
from benchmarks.calibrated import kinds
from benchmarks.calibration import Sample, chosen, fitted, residual

TRUE = {"a.bits": 2.0, "a.tables": 0.0, "b.bits": 0.5, "c.bits": 3.0}


def samples() -> list[Sample]:
    rng = np.random.default_rng(1)
    terms = [{name: float(rng.integers(40, 400)) for name in ("a.bits", "a.tables", "b.bits")} for _ in range(60)]
    made = [Sample(each, round(sum(TRUE[name] * count for name, count in each.items()))) for each in terms]
    # One in ten is far off, as where synthesis finds what others have in common.
    return [Sample(each.terms, each.measured // 2) if place % 10 == 0 else each for place, each in enumerate(made)]


def test_costs_are_found_in_spite_of_outliers() -> None:
    present = dict.fromkeys(TRUE, 1.0)
    names = chosen(present, ("a.", "b.bits", "c.bits"), samples())
    # No unit has a part of that kind.
    assert names == ["a.bits", "a.tables", "b.bits"]
    found = fitted(present, names, samples())
    assert found["c.bits"] == 1.0
    for name in names:
        assert found[name] == pytest.approx(TRUE[name], abs=0.05)
    assert residual([sample.error(found) for sample in samples()]).median < 0.02


def test_only_chosen_costs_change() -> None:
    found = fitted({**TRUE, "a.bits": 7.0}, ["a.bits"], samples())
    assert found == pytest.approx(TRUE, abs=0.05)


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
@pytest.mark.parametrize("kind", kinds())
def test_units_are_those_of_the_seed(kind: str, family: str) -> None:
    first, again, other = (drawn(kinds()[kind], family, 3, seed) for seed in (1, 1, 2))
    shapes = [[(unit.folding, unit.inputs, unit.outputs) for unit in units] for units in (first, again, other)]
    assert shapes[0] == shapes[1] != shapes[2]
