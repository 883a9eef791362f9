"""The FPGA family and the clock that units are built for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.target import Target
from tests.support.nets import DenseNet


def test_a_faster_clock_leaves_fewer_levels() -> None:
    for family in FAMILIES:
        levels = [Target(clock, family).levels for clock in (25.0, 100.0, 200.0, 5000.0)]
        assert levels == sorted(levels, reverse=True)
        assert levels[-1] == 1


def test_an_unknown_family_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'xc9' is not a family of FPGAs"):
        bnnfpga.compile(DenseNet((12, 8, 6)).write(tmp_path), tmp_path / "p", family="xc9")
    assert not (tmp_path / "p").exists()


def test_a_project_knows_its_target(tmp_path: Path) -> None:
    """All units have it, those that folding inserts too, and the project's graph is found again with it."""
    model = DenseNet((12, 8, 6)).write(tmp_path)
    project = bnnfpga.compile(model, tmp_path / "p", cycles=4, clock_mhz=150, family="ecp5")
    assert (project.summary()["clock_mhz"], project.summary()["family"]) == (150, "ecp5")
    graph = Recompiled(project).design.graph
    assert len(graph.operators) > 2
    assert {operator.target for operator in graph.operators} == {Target(150, "ecp5")}


def test_a_damaged_family_is_named(tmp_path: Path) -> None:
    project = bnnfpga.compile(DenseNet((12, 8, 6)).write(tmp_path), tmp_path / "p")
    path = project.folder / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "family": "xc9"}))
    with pytest.raises(UserError) as told:
        Recompiled(bnnfpga.Project.load(project.folder)).design  # noqa: B018
    assert str(path) in str(told.value.where)
