"""Plans: the figures of the project that `compile` would write, for many foldings at once."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.nets import DenseNet

CYCLES = (16, 24, 64, 100, 200, 384, 1000, 4096)


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return DenseNet((24, 16, 10), seed=3).write(tmp_path_factory.mktemp("dense"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cycles": 64},
        {"target_fps": 1e6, "clock_mhz": 50, "family": "ecp5"},
        {"folding": {"matrix_vector0": {"pe": 2, "simd": 6, "memory": "block"}}, "output_kind": "class"},
        {"input": "int4", "input_scale": 0.5},
    ],
)
def test_a_plan_is_what_compile_makes(dense: Path, options: dict[str, Any], tmp_path: Path) -> None:
    plan = bnnfpga.plan(dense, **options)
    assert sorted(dense.parent.iterdir()) == [dense]
    project = bnnfpga.compile(dense, tmp_path / "project", **options)
    summary, made = plan.summary(), project.summary()
    same = summary.keys() - {"model", "layers", "warnings"}
    assert {key: summary[key] for key in same} == {key: made[key] for key in same}
    pairs = list(zip(summary["layers"], made["layers"], strict=True))
    assert [{key: unit[key] for key in layer} for unit, layer in pairs] == made["layers"]
    assert set(plan.warnings) <= set(made["warnings"])
    assert str(plan).splitlines()[0] == str(project).splitlines()[0]
    same_folding = {**options, "folding": plan.folding, "target_fps": None}
    assert (
        bnnfpga.plan(dense, **{key: value for key, value in same_folding.items() if key != "cycles"}).units
        == plan.units
    )


def test_resources_are_those_of_the_units(dense: Path) -> None:
    plan = bnnfpga.plan(dense, cycles=24)
    assert plan.resources == {kind: sum(unit.resources[kind] for unit in plan.units) for kind in plan.resources}
    assert plan.resources["lut"] > 0
    assert {unit.name: unit.pe for unit in plan.units if unit.pe} == {
        name: entry["pe"] for name, entry in plan.folding.items() if "pe" in entry
    }


def test_units_name_the_layers_that_they_are_made_for(dense: Path) -> None:
    """Layers by the names of their nodes in the file; what folding puts between them has none."""
    layers = {node.name for node in onnx.load(dense).graph.node if node.op_type == "MatMul"}
    for cycles in CYCLES:
        units = bnnfpga.plan(dense, cycles=cycles).units
        assert {unit.layer for unit in units if unit.operator == "matrix_vector"} == layers
        assert all(unit.layer is None for unit in units if unit.operator in ("fifo", "width_converter"))


def test_plans_and_planners_travel(dense: Path) -> None:
    planner = bnnfpga.Planner(dense)
    plans = [planner.plan(cycles=cycles) for cycles in CYCLES]
    assert len({plan.initiation_interval for plan in plans}) > 2
    assert [pickle.loads(pickle.dumps(plan)) for plan in plans] == plans
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        assert list(processes.map(_planned, [planner] * len(CYCLES), CYCLES)) == plans
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(_planned, [planner] * 4 * len(CYCLES), CYCLES * 4)) == plans * 4


def _planned(planner: bnnfpga.Planner, cycles: int) -> bnnfpga.Plan:
    return planner.plan(cycles=cycles)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folding": {"matrix_vector9": {"pe": 1}}}, "no layer is called 'matrix_vector9'"),
        ({"folding": {}, "cycles": 5}, "a folding and a speed are mutually exclusive"),
        ({"clock_mhz": 0}, "0 MHz is not a clock"),
        ({"family": "xc9"}, "'xc9' is not a family"),
        ({"output_kind": "odd"}, "'odd' is not an output"),
        ({"cycles": 1, "target_fps": 1}, "two speeds were given"),
    ],
)
def test_wrong_options_are_told(dense: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        bnnfpga.plan(dense, **options)
