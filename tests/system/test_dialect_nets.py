"""Every dialect's fixture as hardware: the RTL in Verilator and the C++ give the golden model's integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.frontend.clean import load
from bnnfpga.golden.golden_model import GoldenModel
from tests.fixtures.dialects.make_fixtures import MAKERS
from tests.support.builds import check_cycles
from tests.support.data import FIXTURES, shared
from tests.support.final import final_operators

IMAGES = 500


def _input(name: str) -> tuple[str, str]:
    """FINN's nets take pixels, the others numbers around zero."""
    return ("uint8", "1") if name.startswith("finn") else ("int8", "1/32")


def _codes(project: bnnfpga.Project) -> NDArray[Any]:
    """Half of them of a few values, so that ties occur."""
    type = project.input_format.type
    assert type is not None
    rng = np.random.default_rng(0)
    shape = (IMAGES, *project.input_shape)
    codes = rng.integers(type.lo, type.hi + 1, shape)
    return np.where(rng.random(shape) < 0.5, codes, codes // 16 * 16)


@pytest.mark.parametrize("name", MAKERS)
def test_scores(name: str, tmp_path: Path, ap_headers: Path) -> None:
    kind, scale = _input(name)
    model = FIXTURES / "dialects" / f"{name}.onnx"
    project = bnnfpga.compile(model, tmp_path / "p", cycles=40, input=kind, input_scale=scale)
    codes = _codes(project)
    rtl = project.simulate(codes)
    assert rtl.mismatches == 0
    assert rtl.initiation_interval == rtl.predicted_initiation_interval
    assert rtl.latency_cycles == rtl.predicted_latency_cycles
    assert len(np.unique(rtl.outputs, axis=0)) > IMAGES // 5
    hls = project.simulate(codes, backend="hls")
    assert hls.mismatches == 0
    np.testing.assert_array_equal(hls.outputs, rtl.outputs)


@pytest.mark.parametrize(
    "name", [name for name in MAKERS if final_operators(load(FIXTURES / "dialects" / f"{name}.onnx"))]
)
def test_classes_of_nets_that_end_in_one(name: str, tmp_path: Path) -> None:
    """TopK, ArgMax or Softmax: with or without it in hardware, `classes` is what the file's end says."""
    kind, scale = _input(name)
    model = FIXTURES / "dialects" / f"{name}.onnx"
    project = bnnfpga.compile(model, tmp_path / "p", cycles=40, input=kind, input_scale=scale, output_kind="class")
    check_cycles(project)
    codes = _codes(project)
    result = project.simulate(codes)
    assert result.mismatches == 0
    expected = GoldenModel(load(model)).run(codes.astype(np.float32) * project.input_format.scale).classes[0]
    np.testing.assert_array_equal(result.classes, expected)
    assert len(np.unique(expected)) > 1


@pytest.mark.parametrize("output_kind", ["scores", "class"])
def test_the_golden_vectors_of_the_finn_tutorial(output_kind: str, tmp_path: Path) -> None:
    folder = shared("models/finn_tutorial_tfc")
    project = bnnfpga.compile(folder / "model.onnx", tmp_path / "p", cycles=64, input="uint8", output_kind=output_kind)
    for prefix in ("", "bd_"):
        x, expected = np.load(folder / f"{prefix}input.npy"), np.load(folder / f"{prefix}expected_output.npy")
        result = project.simulate(x.astype(np.uint8))
        assert result.mismatches == 0
        np.testing.assert_array_equal(result.classes, expected.ravel())
