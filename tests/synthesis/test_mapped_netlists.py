"""What synthesis makes of a net, simulated cell by cell, computes the model's integers in the predicted cycles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnfpga
from bnnfpga.compiler.planner import Planner
from bnnfpga.compiler.recompiled import Recompiled
from tests.support.builds import images_for
from tests.support.conv_nets import ConvNet
from tests.support.data import EXAMPLES, SHARED, mnist_test_set, random_digits
from tests.support.mapped import map_units
from tests.support.nets import DenseNet

pytest.importorskip("pyosys")


PIXELS = {"input": "uint8", "input_scale": "1/255"}
IN_LUTS = {f"matrix_vector{index}": {"memory": "distributed"} for index in range(4)}
"""Yosys has no model of a block RAM's contents."""


def check(model: Path, folder: Path, images: Any) -> None:
    project = bnnfpga.compile(model, folder / "project", folding=IN_LUTS, **PIXELS)
    areas = map_units(project.folder, Recompiled(project).graph)
    assert {area.recipe for area in areas} == {"abc", "abc9"}
    assert sum(area.counts.bram18 for area in areas) == 0
    result = project.simulate(images)
    assert result.mismatches == 0
    assert result.initiation_interval == result.predicted_initiation_interval
    assert result.latency_cycles == result.predicted_latency_cycles
    assert project.simulate(images[:8], stall_seed=1).mismatches == 0


def digits(count: int) -> Any:
    return mnist_test_set()[0][:count] if (SHARED / "data" / "mnist").exists() else random_digits(count)


@pytest.mark.slow
def test_a_dense_net(tmp_path: Path) -> None:
    check(EXAMPLES / "mnist_mlp" / "mlp_64.onnx", tmp_path, digits(50))


@pytest.mark.slow
def test_a_padded_convolutional_net(tmp_path: Path) -> None:
    check(EXAMPLES / "mnist_cnn" / "cnn.onnx", tmp_path, digits(3))


@pytest.mark.slow
def test_parts_of_several_pixels(tmp_path: Path) -> None:
    """Windows, a pool and layers whose beats have some channels of several pixels, with pads that are flagged."""
    model = ConvNet(("residual", "pool_after", "grouped"), (2, 6, 6), seed=4).write(tmp_path)
    folding: dict[str, dict[str, Any]] = {
        "matrix_vector0": {"pe": 1, "simd": 9, "kernel_pixels": 9},
        "matrix_vector1": {"pe": 1, "simd": 15, "kernel_pixels": 15},
        "matrix_vector2": {"pe": 1, "simd": 4, "kernel_pixels": 2},
        "pool0": {"pe": 1, "simd": 4},
    }
    for unit in Planner(model).graph.operators:
        if unit.memory is not None:
            folding.setdefault(unit.name, {})["memory"] = "distributed"
    project = bnnfpga.compile(model, tmp_path / "project", folding=folding)
    map_units(project.folder, Recompiled(project).graph)
    result = project.simulate(images_for(project, 8))
    assert result.mismatches == 0
    assert result.initiation_interval == result.predicted_initiation_interval
    assert result.latency_cycles == result.predicted_latency_cycles


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_a_small_net_on_tables_of_four_inputs(family: str, tmp_path: Path) -> None:
    """Weights in memories, so that what is written out of a family's cells is in the netlists."""
    sizes = {"matrix_vector0": (4, 6), "matrix_vector1": (3, 7), "matrix_vector2": (6, 4)}
    folding = {name: {"pe": pe, "simd": simd, "memory": "distributed"} for name, (pe, simd) in sizes.items()}
    model = DenseNet((12, 28, 12, 6), seed=3).write(tmp_path)
    project = bnnfpga.compile(model, tmp_path / "project", input="int4", family=family, folding=folding)
    areas = map_units(project.folder, Recompiled(project).graph, family)
    assert sum(area.counts.carry for area in areas) > 0
    result = project.simulate(np.random.default_rng(0).integers(-8, 8, (50, 12)))
    assert result.mismatches == 0
    assert result.latency_cycles == result.predicted_latency_cycles
