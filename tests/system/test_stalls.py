"""Stalls on the outside change no output, whatever the net, the folding and the seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bnnfpga
from tests.conftest import THOROUGH
from tests.support.builds import check_cycles, images_for, random_folding_of
from tests.support.nets import DenseNet, dense_nets


@settings(max_examples=60 if THOROUGH else 5, deadline=None)
@given(
    net=dense_nets(max_width=16),
    folding=st.integers(0, 2**16),
    seeds=st.lists(st.integers(0, 2**16), min_size=3, max_size=3),
    integers=st.booleans(),
)
def test_random_stalls(
    net: DenseNet, folding: int, seeds: list[int], integers: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stalls")
    model = net.write(folder)
    input = "int4" if integers else None
    project = bnnfpga.compile(model, folder / "project", folding=random_folding_of(model, folding, input), input=input)
    check_cycles(project, frames=30, seed=folding)
    images = images_for(project, 20, folding)
    outputs = project.simulate(images).outputs
    for seed in seeds:
        stalled = project.simulate(images, stall_seed=seed)
        np.testing.assert_array_equal(stalled.outputs, outputs)
        assert stalled.initiation_interval is None
        assert stalled.mismatches == 0
