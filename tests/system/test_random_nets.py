"""Random dense nets with random foldings and stalls through Verilator: no integer differs, no cycle differs.

The emulator gives the same integers, in every stream.

A seed says everything of a case. 20 of them run in `make test`, all of them in `make test-all`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from tests.support.builds import check_cycles, check_streams, images_for, random_folding_of
from tests.support.nets import DenseNet

pytestmark = pytest.mark.usefixtures("built_soon")
QUICK, ALL = 20, 100


def random_net(seed: int) -> DenseNet:
    """Layers, widths, bits, scales, biases and dead channels drawn from a seed."""
    rng = np.random.default_rng(seed)
    return DenseNet(
        widths=tuple(int(width) for width in rng.integers(1, 33, rng.integers(2, 6))),
        activation_bits=int(rng.choice([1, 1, 1, 2, 3, 4])),
        weight_bits=int(rng.choice([1, 1, 1, 2, 4, 8])),
        signed=bool(rng.random() < 0.5),
        weight_scale=float(rng.choice([1.0, 0.1, 0.013])),
        bias=bool(rng.random() < 0.5),
        zero_mean=bool(rng.random() < 0.3),
        gemm=bool(rng.random() < 0.5),
        last_norm=bool(rng.random() < 0.5),
        seed=seed,
    )


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < QUICK else pytest.mark.slow) for seed in range(ALL)]
)
def test_random_net(seed: int, tmp_path: Path) -> None:
    model = random_net(seed).write(tmp_path)
    input = ["int4", "uint8", "bipolar", None][seed % 4]
    folding = random_folding_of(model, seed, input)
    project = bnnfpga.compile(model, tmp_path / "project", folding=folding, input=input)
    check_cycles(project, frames=40, seed=seed)
    x = images_for(project, 30, seed)
    stalled = project.simulate(x, stall_seed=seed)
    assert stalled.mismatches == 0
    np.testing.assert_array_equal(stalled.outputs, project.simulate(x).outputs)
    assert project.simulate(x, backend="emulator").mismatches == 0
    check_streams(project, images_for(project, 300, seed))
