"""Nets in the forms of FINN's streamlining: all of them mean the same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from tests.support.finn_nets import INPUT_SHAPE, PLAIN, STEPS, FinnForm, finn_net


def _values(form: FinnForm, folder: Path, images: np.ndarray) -> bnnfpga.SimulationResult:
    folder.mkdir()
    onnx.save(finn_net(form), folder / "net.onnx")
    project = bnnfpga.compile(folder / "net.onnx", folder / "project")
    assert not project.warnings
    result = project.simulate(images, backend="emulator")
    assert result.mismatches == 0
    return result


@pytest.mark.parametrize("step", STEPS)
def test_every_step_gives_the_plain_nets_numbers(step: str, tmp_path: Path) -> None:
    images = np.random.default_rng(1).uniform(-4, 20, (30, *INPUT_SHAPE)).astype(np.float32)
    plain = _values(PLAIN, tmp_path / "plain", images)
    found = _values(STEPS[step], tmp_path / "step", images)
    assert len(np.unique(plain.values)) > 3
    if STEPS[step].ends_in_class:
        np.testing.assert_array_equal(found.classes, plain.classes)
    else:
        np.testing.assert_array_equal(found.values, plain.values)
