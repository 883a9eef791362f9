"""Random convolutional nets with random foldings and stalls: golden model = emulator = Verilator, cycle by cycle.

The golden model itself agrees with plain float runs of the file, but for rounding ties.

A seed says everything of a case. 20 of them run in `make test`, all of them in `make test-all`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.golden.float_check import check_against_floats
from tests.support.builds import check_cycles, images_for, random_folding_of
from tests.support.conv_nets import BLOCKS, ConvNet

QUICK, ALL = 20, 200


def random_net(seed: int) -> ConvNet:
    """Blocks, bits and sizes drawn from a seed; the first nets have each kind of block once."""
    rng = np.random.default_rng(seed)
    blocks = rng.choice(BLOCKS, rng.integers(1, 4)).tolist()
    if seed < len(BLOCKS):
        blocks = [BLOCKS[seed]]
    channels, rows, columns = int(rng.integers(1, 5)), int(rng.integers(3, 10)), int(rng.integers(3, 10))
    return ConvNet(
        tuple(blocks),
        (channels, rows, columns),
        activation_bits=int(rng.choice([1, 1, 2, 4])),
        weight_bits=int(rng.choice([1, 1, 1, 2, 4])),
        input_bits=int(rng.choice([1, 4, 8])),
        seed=seed,
    )


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < QUICK else pytest.mark.slow) for seed in range(ALL)]
)
def test_random_net(seed: int, tmp_path: Path) -> None:
    net = random_net(seed)
    print(net)
    model = net.write(tmp_path)
    floats = np.random.default_rng(seed).standard_normal((8, *net.shape), dtype=np.float32)
    assert check_against_floats(model, floats).error is None
    input = ["int4", "uint8", "bipolar", None][seed % 4]
    folding = random_folding_of(model, seed, input)
    project = bnnfpga.compile(model, tmp_path / "project", folding=folding, input=input)
    check_cycles(project, frames=16, seed=seed)
    x = images_for(project, 6, seed)
    assert project.simulate(x, stall_seed=seed).mismatches == 0
    assert project.simulate(images_for(project, 100, seed + 1), backend="emulator").mismatches == 0
