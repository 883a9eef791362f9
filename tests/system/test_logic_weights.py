"""A trained net with weights in the tables of its logic: images through what synthesis reads."""

from __future__ import annotations

from pathlib import Path

import bnnfpga
from tests.support.data import EXAMPLES
from tests.support.graphs import synthesised
from tests.system.test_examples import digits

FOLDING = {
    "matrix_vector0": {"pe": 4, "simd": 196},
    "matrix_vector1": {"pe": 16, "simd": 16, "memory": "logic"},
    "matrix_vector2": {"pe": 64, "simd": 8, "memory": "logic"},
    "matrix_vector3": {"pe": 5, "simd": 32, "memory": "logic"},
}
"""16 words in 4 passes of 4 steps, 8 words in 8 steps, and dot products of 4 words."""


def test_digits_through_the_netlists(tmp_path: Path) -> None:
    """The golden model's integers, and the cycles of the library's modules."""
    images, labels = digits(30)
    model = EXAMPLES / "mnist_mlp" / "mlp_64.onnx"
    project = bnnfpga.compile(model, tmp_path / "project", folding=FOLDING, input="uint8", input_scale="1/255")
    synthesised(project.folder / "rtl")
    result = project.simulate(images, labels)
    assert result.mismatches == 0
    assert result.initiation_interval == result.predicted_initiation_interval
    assert result.latency_cycles == result.predicted_latency_cycles
