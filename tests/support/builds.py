"""Compiling and simulating in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.folding import folding_of
from bnnfpga.frontend.clean import load
from bnnfpga.host.input_format import InputFormat
from bnnfpga.lowering.lower import lower
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.simulate.runners.emulator import run_emulator
from bnnfpga.simulate.runners.emulator_library import paths_here
from bnnfpga.transforms.fold import fold
from tests.dataflow.chains import random_folding


def random_folding_of(model: Path, seed: int, input: str | None = None) -> dict[str, Any]:
    """A legal folding of a model, drawn from a seed."""
    format = InputFormat.parse(input, None)
    graph = lower(fold(load(model), format.type, format.scale).model)
    return folding_of(random_folding(graph, seed))


def images_for(project: bnnfpga.Project, count: int, seed: int = 0) -> NDArray[Any]:
    """Random images in a project's input format."""
    rng = np.random.default_rng(seed)
    shape = (count, *project.input_shape)
    type = project.input_format.type
    if type is None:
        return rng.standard_normal(shape, dtype=np.float32)
    codes = rng.integers(type.lo, type.hi + 1, shape)
    return np.where(codes < 0, -1, 1) if type.is_bipolar else codes


def check_cycles(project: bnnfpga.Project, frames: int = 24, seed: int = 0) -> None:
    """Exact integers, and cycles exactly as predicted."""
    result = project.simulate(images_for(project, frames, seed))
    assert result.mismatches == 0
    assert result.interval_constant
    assert result.initiation_interval == project.description["predicted_initiation_interval"]
    assert result.latency_cycles == project.description["predicted_latency_cycles"]


def check_streams(project: bnnfpga.Project, x: NDArray[Any]) -> None:
    """The emulator's integers are those of the numpy meaning, in every stream, on every path that runs here."""
    graph = Recompiled(project).graph
    codes = project.read_images(x).codes
    expected = graph.execute(codes, [stream.name for stream in graph.streams])
    for path in paths_here(find_compiler()):
        got = run_emulator(graph, codes, tensors=list(expected), path=path)
        for name, values in expected.items():
            np.testing.assert_array_equal(got[name], values.reshape(got[name].shape), err_msg=f"{name} on {path}")
