"""Layers whose weights are few or one-sided: hardware must not take them for -1 and +1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import bnnfpga
from tests.support.nets import NetWriter

WEIGHTS = {
    "-1 and 0": [-1, 0],
    "0 and +1": [0, 1],
    "zeros": [0],
    "+1 alone": [1],
    "-2 and +2": [-2, 2],
    "-128": [-128, 0],
}


def _signs(x: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.where(x < 0, -1, 1)


@pytest.mark.parametrize("name", WEIGHTS)
def test_few_values(name: str, tmp_path: Path, ap_headers: Path) -> None:
    rng = np.random.default_rng(0)
    net = NetWriter()
    # Exact, as weights behind no quantizer are.
    first, second = (rng.choice(WEIGHTS[name], shape) for shape in ((9, 7), (7, 5)))
    bias = rng.normal(size=7).astype(np.float32)
    x = net.node("Add", net.node("MatMul", net.bipolar("x"), net.constant(first)), net.constant(bias))
    net.node("MatMul", net.bipolar(x), net.constant(second))
    onnx.save(net.model((9,), "y"), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "p", cycles=21)
    images = rng.standard_normal((200, 9), dtype=np.float32)
    expected = _signs(_signs(images) @ first + bias) @ second
    for backend in ("rtl", "hls", "emulator"):
        result = project.simulate(images, backend=backend)
        assert result.mismatches == 0, backend
        np.testing.assert_array_equal(project.final_functions([result.outputs])[0], expected)
