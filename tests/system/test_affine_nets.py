"""Layers that take affine functions of integers: file = golden = folded = emulator, the hardware where it is new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from tests.support.affine_kinds import KINDS
from tests.support.affine_nets import AffineNet
from tests.support.mobilenet import mobilenet
from tests.support.nets import NetWriter

WIDE = "padded table and wide weights"


@pytest.mark.parametrize("seed", range(40))
def test_random_net(seed: int, tmp_path: Path) -> None:
    net = AffineNet(seed)
    onnx.save(net.model(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", **net.options)
    x = net.images(32, project.input_shape)
    assert project.simulate(x, backend="emulator").mismatches == 0
    assert project.verify(x, stages=["file", "source", "folded"]).equal


@pytest.mark.parametrize("name", KINDS)
def test_kind(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    onnx.save(kind.model(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", **kind.options)
    x = kind.images(16)
    assert project.simulate(x, backend="emulator").mismatches == 0
    assert project.verify(x, stages=["file", "source", "folded"]).equal


@pytest.mark.parametrize("name", [WIDE, "quantizer of 16 bits"])
def test_hardware(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    onnx.save(kind.model(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", **kind.options)
    x = kind.images(8)
    rtl = project.simulate(x, backend="rtl")
    assert rtl.mismatches == 0
    assert rtl.latency_cycles == rtl.predicted_latency_cycles
    assert project.simulate(x, backend="hls").mismatches == 0


def _refused(net: NetWriter, shape: tuple[int, ...], folder: Path, **options: str) -> bnnfpga.UserError:
    onnx.save(net.model(shape, "y"), folder / "net.onnx")
    with pytest.raises(bnnfpga.UserError) as caught:
        bnnfpga.compile(folder / "net.onnx", folder / "project", **options)
    return caught.value


@pytest.mark.parametrize(
    ("nodes", "where", "message"),
    [
        ([("Sub", [[[103.53]], [[117]], [[123]]])], "'n0' (Sub)", "adds -103.53 in front of zero pads, where one step"),
        ([("Add", [[[1 / 257]]])], "'n0' (Add)", "no integer multiple of that step, or of a part of it down to 1/256"),
        ([("Add", 1), ("Div", [[[0.2]], [[0.3]], [[0.7]]])], "'n1' (Div)", "different factors (1.42857, 3.33333, 5)"),
        ([("Mul", np.arange(108).reshape(3, 6, 6))], "'n1' (Conv)", "differ from pixel to pixel"),
    ],
)
def test_refusals(nodes: list[tuple[str, object]], where: str, message: str, tmp_path: Path) -> None:
    net = NetWriter()
    x = "x"
    for kind, value in nodes:
        x = net.node(kind, x, net.constant(value))
    net.node("Conv", x, net.constant(np.ones((4, 3, 3, 3))), pads=[1] * 4)
    error = _refused(net, (3, 6, 6), tmp_path, input="uint8")
    assert where in str(error.where)
    assert message in error.message


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [("Mul", [1, 2], "scales that differ by channel"), ("Add", 1, "a constant added to its integers")],
)
def test_what_streams_lack_is_said(kind: str, value: object, message: str, tmp_path: Path) -> None:
    net = NetWriter()
    x, weights = net.quant("x", 3, scale=0.5, signed=True), net.constant(np.ones((4, 2)))
    first = net.node(kind, net.node("MatMul", x, weights), net.constant(value))
    net.bipolar(net.node("Add", first, net.node("MatMul", x, weights)))
    assert message in _refused(net, (4,), tmp_path).message


@pytest.mark.parametrize("width", [0.125, pytest.param(1, marks=pytest.mark.slow)])
def test_mobilenet(width: float, tmp_path: Path) -> None:
    onnx.save(mobilenet(width, size=224 if width == 1 else 64), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", input="uint8", input_scale="1/255")
    x = np.random.default_rng(1).integers(0, 256, (4, *project.input_shape)).astype(np.uint8)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 100
