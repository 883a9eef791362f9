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
from tests.support.seeds import DENSE_NETS, seeds

pytestmark = pytest.mark.usefixtures("built_soon")


@pytest.mark.parametrize("seed", seeds(DENSE_NETS))
def test_random_net(seed: int, tmp_path: Path) -> None:
    model = DenseNet.random(seed).write(tmp_path)
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
