"""Nets in the forms of FINN's streamlining: all of them mean the same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.input_format import InputFormat
from tests.support.finn_nets import INPUT_SHAPE, PLAIN, STEPS, FinnForm, finn_net
from tests.support.lowered_nets import LoweredNet, run_lowered


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


@pytest.mark.parametrize("seed", range(60))
def test_random_lowered_nets_mean_what_qonnx_makes_of_them(seed: int) -> None:
    net = LoweredNet(seed)
    if not net.model().graph.node:
        pytest.skip("no layer fits")
    model, images = net.model(), net.images(5)
    golden = GoldenModel(clean(model), InputFormat.parse("uint2", 1.0)).run(images.astype(np.float32))
    expected = run_lowered(model, images)
    np.testing.assert_array_equal(golden.outputs[0].reshape(expected.shape), expected)


@pytest.mark.parametrize("seed", [0, 3, 5, 8])
def test_random_lowered_nets_compile(seed: int, tmp_path: Path) -> None:
    net = LoweredNet(seed)
    onnx.save(net.model(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", input="uint2", input_scale=1)
    assert not [text for text in project.warnings if "not compared" in text]
    images = net.images(20)
    result = project.simulate(images.reshape(20, *project.input_shape), backend="emulator")
    assert result.mismatches == 0
    expected = run_lowered(net.model(), images)
    np.testing.assert_array_equal(np.reshape(result.values, expected.shape), expected)
