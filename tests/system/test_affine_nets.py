"""Layers that take affine functions of integers: file = golden = folded = emulator, on random nets."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import bnnfpga
from tests.support.affine_nets import AffineNet


@pytest.mark.parametrize("seed", range(40))
def test_random_net(seed: int, tmp_path: Path) -> None:
    net = AffineNet(seed)
    onnx.save(net.model(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", **net.options)
    assert project.checked["stages"][:3] == ["file", "source", "folded"]
    x = net.images(32, project.input_shape)
    assert project.simulate(x, backend="emulator").mismatches == 0
    assert project.verify(x, stages=["file", "source", "folded"]).equal
