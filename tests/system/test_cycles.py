"""Verilator shows exactly the cycles that the token model predicts, and exactly the integers of the golden model."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnfpga
from tests.support.builds import check_cycles, random_folding_of
from tests.support.data import EXAMPLES
from tests.support.nets import DenseNet

SMALL = DenseNet((24, 16, 12, 10), seed=1)
TWO_BITS = DenseNet((24, 16, 12, 10), activation_bits=2, bias=True, seed=2)
TERNARY = DenseNet((24, 16, 12, 10), activation_bits=3, signed=True, weight_bits=2, seed=3)
BYTES = DenseNet((24, 16, 12, 10), weight_bits=8, seed=4)


def _layers(*foldings: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {f"matrix_vector{index}": {"pe": pe, "simd": simd} for index, (pe, simd) in enumerate(foldings)}


FOLDINGS = {
    "PE and SIMD one": _layers((1, 1), (1, 1), (1, 1)),
    "fully unfolded": _layers((16, 24), (12, 16), (10, 12)),
    "all PEs": _layers((16, 1), (12, 1), (10, 1)),
    "all SIMD": _layers((1, 24), (1, 16), (1, 12)),
    "last layer slowest": _layers((16, 24), (12, 16), (1, 1)),
    "first layer slowest": _layers((1, 1), (12, 16), (10, 12)),
    "middle layer slowest": _layers((16, 24), (1, 1), (10, 12)),
    "widths without a common divisor": _layers((16, 3), (3, 16), (5, 4)),
    "two cycles": _layers((8, 24), (6, 16), (5, 12)),
}


@pytest.mark.parametrize("name", FOLDINGS)
def test_named_foldings(name: str, tmp_path: Path) -> None:
    project = bnnfpga.compile(SMALL.write(tmp_path), tmp_path / "project", folding=FOLDINGS[name])
    check_cycles(project, frames=60 if name == "fully unfolded" else 24)
    if name == "fully unfolded":
        assert project.description["predicted_initiation_interval"] == 1


@pytest.mark.parametrize("seed", range(8))
def test_random_foldings(seed: int, tmp_path: Path) -> None:
    model = (SMALL, TWO_BITS, TERNARY, BYTES)[seed % 4].write(tmp_path)
    check_cycles(bnnfpga.compile(model, tmp_path / "project", folding=random_folding_of(model, seed)), seed=seed)


@pytest.mark.parametrize("cycles", [50176, 4096, 784, 128, 64])
def test_mnist_foldings(cycles: int, tmp_path: Path) -> None:
    """784-64-64-64-10 with pixels in, from one synapse a cycle to PE and SIMD of a fast accelerator."""
    model = EXAMPLES / "mnist_mlp" / "mlp_64.onnx"
    project = bnnfpga.compile(model, tmp_path / "project", cycles=cycles, input="uint8", input_scale="1/255")
    assert project.description["predicted_initiation_interval"] <= cycles
    check_cycles(project, frames=5 if cycles > 1000 else 24)


def test_an_input_of_eight_bits(tmp_path: Path) -> None:
    model = EXAMPLES / "mnist_mlp" / "mlp_64_in8.onnx"
    project = bnnfpga.compile(model, tmp_path / "project", cycles=128, input="uint8", input_scale="1/255")
    assert project.description["layers"][0]["operator"] == "lookup"
    check_cycles(project)
