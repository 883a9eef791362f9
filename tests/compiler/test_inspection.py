"""What `inspect` says of the foldings that layers can have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.compiler.inspection import inspect_model
from bnnfpga.report.tables import inspect_table
from bnnfpga.report.text import as_text
from tests.support.nets import DenseNet


def test_alternatives_are_what_a_folding_file_may_have(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    planner = bnnfpga.Planner(model)
    data = inspect_model(model, clock_mhz=150, family="ecp5")
    assert (data["clock_mhz"], data["family"]) == (150, "ecp5")
    for layer in data["layers"]:
        own: list[dict[str, Any]] = layer["alternatives"]
        unit = planner.graph[layer["unit"]]
        pairs = {(pe, simd) for pe in unit.legal_pe() for simd in unit.legal_simd(pe) or (None,)}
        assert {(one["pe"], one.get("simd")) for one in own} == pairs
        assert [one["cycles"] for one in own] == sorted((one["cycles"] for one in own), reverse=True)
        for one in own[:: max(1, len(own) // 8)]:
            settings = {key: value for key, value in one.items() if key not in ("cycles", "resources")}
            plan = planner.plan(folding={layer["unit"]: settings}, clock_mhz=150, family="ecp5")
            (planned,) = (found for found in plan.units if found.name == layer["unit"])
            # Beats of a producer can be so narrow that reading them takes longer.
            assert planned.cycles >= one["cycles"]
            assert planned.cycles == one["cycles"] or layer["unit"] != data["layers"][0]["unit"]
            assert {key: plan.folding[layer["unit"]][key] for key in settings} == settings


def test_alternatives_of_large_layers_are_summed_up(tmp_path: Path) -> None:
    model = DenseNet((64, 64, 6), seed=4).write(tmp_path)
    text = as_text(inspect_table(inspect_model(model)))
    (row,) = (line for line in text.splitlines() if line.startswith("matrix_vector0") and "4,096" in line)
    assert "1, 2, 4, ... 64 (7)" in row
    assert "1 to 4,096" in row
    assert len(text.splitlines()) < 30


def test_a_clock_that_no_fpga_has(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    with pytest.raises(UserError, match="not a clock frequency"):
        inspect_model(model, clock_mhz=0)
